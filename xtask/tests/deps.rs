//! What a person sees on a machine without compilers.

use std::process::{Command, Stdio};

#[test]
fn without_compilers_both_commands_name_what_is_missing_and_end_with_two() {
    let nothing = tempfile::tempdir().expect("a temporary folder");
    for command in ["demo", "test"] {
        let out = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args([command, "--no-install"])
            .env("PATH", nothing.path())
            .env_remove("CC")
            .env_remove("CXX")
            .env_remove("CMAKE")
            .env_remove("CMAKE_MAKE_PROGRAM")
            .stdin(Stdio::null())
            .output()
            .expect("the command ends");
        let said = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(out.stdout.is_empty(), "{}", String::from_utf8_lossy(&out.stdout));
        let expected =
            "error: the build needs what is not installed: a C compiler, a C++ compiler, make, cmake";
        assert!(said.starts_with(expected), "{said}");
        assert!(said.contains("\n\nhint: ") && said.contains("gcc g++ make cmake"), "{said}");
    }
}
