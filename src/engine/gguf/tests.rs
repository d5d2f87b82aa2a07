//! Headers that are whole, cut, damaged, and hostile.

use std::fs;
use std::path::Path;

use modeld_spec::slot::footprint::Layer;
use proptest::prelude::*;

use super::{Header, Invalid, read, read_from};

/// A header that is built up, and the tensors behind it.
#[derive(Clone)]
struct Builder {
    pairs: Vec<(String, u32, Vec<u8>)>,
    tensors: Vec<(String, Vec<u64>, u32)>,
}

impl Builder {
    /// A family with two layers of two heads, two tokens, and one tensor of 4 floats.
    fn new(architecture: &str) -> Self {
        let builder = Builder { pairs: Vec::new(), tensors: vec![("output.weight".to_string(), vec![4], 0)] };
        let builder = builder.text("general.architecture", architecture).number(".context_length", 512);
        builder
            .number(".block_count", 2)
            .number(".embedding_length", 64)
            .number(".attention.head_count", 2)
            .texts("tokenizer.ggml.tokens", &["a", "b"])
    }

    fn key(&self, end: &str) -> String {
        match self.pairs.first() {
            Some((_, _, value)) if end.starts_with('.') => {
                format!("{}{end}", String::from_utf8_lossy(&value[8..]))
            }
            _ => end.to_string(),
        }
    }

    fn with(mut self, key: &str, kind: u32, value: Vec<u8>) -> Self {
        let key = self.key(key);
        self.pairs.retain(|(known, ..)| *known != key);
        self.pairs.push((key, kind, value));
        self
    }

    fn text(self, key: &str, text: &str) -> Self {
        self.with(key, 8, bytes_of(text))
    }

    fn number(self, key: &str, number: u32) -> Self {
        self.with(key, 4, number.to_le_bytes().to_vec())
    }

    fn float(self, key: &str, number: f32) -> Self {
        self.with(key, 6, number.to_le_bytes().to_vec())
    }

    fn numbers(self, key: &str, numbers: &[u32]) -> Self {
        let values = numbers.iter().flat_map(|number| number.to_le_bytes());
        let list = list(4, numbers.len()).into_iter().chain(values).collect();
        self.with(key, 9, list)
    }

    fn texts(self, key: &str, texts: &[&str]) -> Self {
        let values = texts.iter().flat_map(|text| bytes_of(text));
        let list = list(8, texts.len()).into_iter().chain(values).collect();
        self.with(key, 9, list)
    }

    fn tensor(mut self, name: &str, sizes: &[u64], kind: u32) -> Self {
        self.tensors.push((name.to_string(), sizes.to_vec(), kind));
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.pairs.len() as u64).to_le_bytes());
        for (key, kind, value) in &self.pairs {
            bytes.extend(bytes_of(key));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(value);
        }
        let mut offset = 0_u64;
        for (name, sizes, kind) in &self.tensors {
            bytes.extend(bytes_of(name));
            bytes.extend((sizes.len() as u32).to_le_bytes());
            sizes.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
            bytes.extend(kind.to_le_bytes());
            bytes.extend(offset.to_le_bytes());
            let data = sizes.iter().fold(4_u64, |product, size| product.saturating_mul(*size));
            offset = offset.saturating_add(data).checked_next_multiple_of(32).unwrap_or(offset);
        }
        bytes.resize(bytes.len().next_multiple_of(32) + usize::try_from(offset).unwrap_or(0).min(4096), 0);
        bytes
    }

    fn read(&self) -> Result<Header, Invalid> {
        header(&self.bytes())
    }

    /// What it is refused with.
    fn problem(&self) -> String {
        self.read().unwrap_err().to_string()
    }
}

fn bytes_of(text: &str) -> Vec<u8> {
    (text.len() as u64).to_le_bytes().into_iter().chain(text.bytes()).collect()
}

fn list(kind: u32, count: usize) -> Vec<u8> {
    kind.to_le_bytes().into_iter().chain((count as u64).to_le_bytes()).collect()
}

fn header(bytes: &[u8]) -> Result<Header, Invalid> {
    read_from(bytes, bytes.len() as u64)
}

fn demo() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/demo.gguf")
}

#[test]
fn a_whole_file_is_read() {
    let header = Builder::new("llama").text("general.name", "small").read().unwrap();
    assert_eq!((header.architecture.as_str(), header.name.as_deref()), ("llama", Some("small")));
    assert_eq!((header.context_length, header.has_chat_template), (Some(512), false));
    let layer = Layer { key: 64, value: 64, is_windowed: false, state: 0 };
    assert_eq!((header.shape.layers, header.shape.weights, header.shape.vocabulary), (vec![layer; 2], 32, 2));
}

#[test]
fn the_demo_model_is_what_it_is() {
    let header = read(&demo()).unwrap();
    assert_eq!((header.architecture.as_str(), header.name.as_deref()), ("llama", Some("modeld-demo")));
    let shape = &header.shape;
    let file = fs::metadata(demo()).unwrap().len();
    assert!(file / 2 < shape.weights && shape.weights < file, "{} of {file}", shape.weights);
    assert!(shape.layers.iter().all(|layer| 0 < layer.key && layer.key == layer.value && layer.state == 0));
    assert!(0 < shape.vocabulary && 0 < shape.feed_forward && 0 < shape.heads);
}

#[test]
fn sizes_are_those_of_each_layer() {
    let builder = Builder::new("gemma3")
        .number(".attention.key_length", 32)
        .number(".attention.value_length", 16)
        .numbers(".attention.head_count_kv", &[1, 2])
        .number(".attention.sliding_window", 128)
        .numbers(".attention.sliding_window_pattern", &[1, 0]);
    let shape = builder.read().unwrap().shape;
    let first = Layer { key: 32, value: 16, is_windowed: true, state: 0 };
    assert_eq!(shape.layers, [first, Layer { key: 64, value: 32, is_windowed: false, ..first }]);
    assert_eq!(shape.window, 128);
    let builder = Builder::new("jamba")
        .number(".ssm.inner_size", 128)
        .number(".ssm.state_size", 16)
        .number(".ssm.conv_kernel", 4)
        .numbers(".attention.head_count_kv", &[0, 2]);
    let layers = builder.read().unwrap().shape.layers;
    assert_eq!((layers[0].key, layers[0].state), (0, 128 * 16 + 4 * 128));
    assert_eq!((layers[1].key, layers[1].state), (64, 0));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = Builder::new("llama").bytes();
    // The last tensor has 16 bytes, and padding behind it.
    for length in 0..whole.len() - 16 {
        let error = header(&whole[..length]).unwrap_err();
        let is_cut = matches!(error, Invalid::CutHeader { .. } | Invalid::CutTensor { .. } | Invalid::Io(_));
        assert!(is_cut || length < 4 && matches!(error, Invalid::Magic), "{length}: {error}");
    }
}

#[test]
fn numbers_that_native_code_divides_by_are_refused() {
    let llama = || Builder::new("llama");
    let cases = [
        (llama().number(".context_length", 0), "llama.context_length is 0"),
        (llama().number(".block_count", 0), "llama.block_count is 0"),
        (llama().number(".block_count", 513), "llama.block_count is 513"),
        (llama().with(".context_length", 10, (1_u64 << 63).to_le_bytes().to_vec()), "is 9223372036854775808"),
        (llama().with(".context_length", 11, (-1_i64).to_le_bytes().to_vec()), "llama.context_length is -1"),
        (llama().number(".attention.head_count", 0), "llama.attention.head_count is 0"),
        (llama().number(".attention.head_count_kv", 3), "2 heads can't share 3 keys"),
        (
            llama().numbers(".attention.head_count", &[2, 3]).numbers(".attention.head_count_kv", &[2, 2]),
            "3 heads",
        ),
        (llama().number(".attention.key_length", 16), "keys of 16 and values of 32"),
        (llama().number(".rope.dimension_count", 16), "16 of 32 elements"),
        (Builder::new("gemma3").number(".rope.dimension_count", 31), "31 of 32 elements"),
        (llama().float(".attention.layer_norm_rms_epsilon", -1.0), "epsilon is -1"),
        (llama().float(".attention.layer_norm_rms_epsilon", f32::NAN), "epsilon is NaN"),
        (llama().text(".rope.scaling.type", "cubic"), "positions are scaled"),
        (llama().number(".expert_count", 2000), "expert_count is 2000"),
        (llama().number(".expert_count", 4), "0 of 4 experts"),
        (llama().number(".expert_count", 4).number(".expert_used_count", 5), "5 of 4 experts"),
        (llama().number(".expert_used_count", 1), "1 of 0 experts"),
        (llama().number(".pooling_type", 9), "pooling_type is 9"),
        (Builder::new("mamba2").number(".ssm.group_count", 0), "group_count is 0"),
        (Builder::new("rwkv6").number(".wkv.head_size", 7), "can't share 64"),
        (Builder::new("rwkv6").number(".token_shift_count", 1), "token_shift_count is 1"),
        (
            Builder::new("gemma3")
                .number(".attention.sliding_window", 8)
                .number(".attention.sliding_window_pattern", 1),
            "no layer that looks through it",
        ),
        (Builder::new("clip"), "no language model"),
        (llama().number("split.count", 2), "one of 2 parts"),
        (llama().number("general.alignment", 3), "alignment is 3"),
        (llama().number("general.alignment", 1 << 31), "alignment is 2147483648"),
    ];
    for (builder, expected) in cases {
        let problem = builder.problem();
        assert!(problem.contains(expected), "{expected}: {problem}");
    }
    // Families without attention say that they have no heads.
    assert!(Builder::new("mamba").number(".attention.head_count", 0).read().is_ok());
}

#[test]
fn a_vocabulary_that_ends_the_process_is_refused() {
    let with = |tokens: &[&str]| Builder::new("llama").texts("tokenizer.ggml.tokens", tokens);
    let twice = "its vocabulary has a token twice";
    for tokens in [&["a", "a"][..], &["a\0b", "a\0c"], &["[EMPTY_1]", ""], &["\0", "[EMPTY_0]"]] {
        assert!(with(tokens).problem().contains(twice), "{tokens:?}");
    }
    assert!(with(&["", "", "[EMPTY_7]"]).read().is_ok());
    let pieces: Vec<String> = (0..=255_u8).map(|byte| format!("<0x{byte:02X}>")).collect();
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    let of_pieces = |pieces: &[&str]| with(pieces).text("tokenizer.ggml.model", "llama");
    assert!(of_pieces(&pieces).read().is_ok());
    assert!(of_pieces(&pieces[..255]).problem().contains("no token for the byte 0xff"));
    assert!(with(&["a"]).text("tokenizer.ggml.model", "rwkv").problem().contains("line end"));
    let numbers = Builder::new("llama").numbers("tokenizer.ggml.tokens", &[1, 2]);
    assert!(numbers.problem().contains("no list of"));
}

#[test]
fn tensors_that_do_not_lie_in_the_file_are_refused() {
    let llama = || Builder::new("llama");
    let large = u64::MAX / 8;
    let cases = [
        (llama().tensor("output.weight", &[4], 0), "output.weight is there twice"),
        (llama().tensor("a", &[], 0), "the tensor a has 0 dimensions"),
        (llama().tensor("a", &[1, 1, 1, 1, 1], 0), "the tensor a has 5 dimensions"),
        (llama().tensor("a", &[0], 0), "a has a dimension of 0"),
        (llama().tensor("a", &[large], 0), "a has a dimension of"),
        (llama().tensor("a", &[2, 1 << 40, 1 << 40], 0), "a is too large"),
        (llama().tensor("a", &[1 << 30, 1 << 30], 0), "a is too large"),
        (llama().tensor("a", &[33, 2], 8), "a has rows of 33 in blocks of 32"),
        (llama().tensor("a", &[4], 1), "a is a single row of the type 1"),
        (llama().tensor("a", &[4, 2], 28), "a is of the type 28"),
        (llama().tensor("a", &[4, 2], 5), "a is of the type 5"),
        (llama().tensor("a", &[4, 2], 4_000_000_000), "a is of the type 4000000000"),
        (llama().tensor("a", &[4096, 4096], 0), "it is cut off: the tensor a ends at"),
        (llama().tensor(&"a".repeat(64), &[4], 0), "a text of 64 bytes"),
    ];
    for (builder, expected) in cases {
        let problem = builder.problem();
        assert!(problem.contains(expected), "{expected}: {problem}");
    }
    assert!(llama().tensor("blk.0.tid2eid", &[4, 2], 26).read().is_ok());
    // One that overlaps the one before it.
    let mut bytes = llama().tensor("b", &[8], 0).bytes();
    let name = bytes.windows(9).rposition(|window| window == [1, 0, 0, 0, 0, 0, 0, 0, b'b']).unwrap();
    bytes[name + 9 + 4 + 8 + 4] = 0;
    assert!(header(&bytes).unwrap_err().to_string().contains("b is at 0, and the one before it ends at 32"));
}

#[test]
fn a_header_that_announces_too_much_is_refused_before_it_is_read() {
    let whole = Builder::new("llama").bytes();
    for (place, expected) in [(8, "tensors"), (16, "values"), (24, "a text of")] {
        let mut bytes = whole.clone();
        bytes[place..place + 8].fill(0xFF);
        assert!(header(&bytes).unwrap_err().to_string().contains(expected), "{place}");
    }
    let nested = Builder::new("llama").with("lists", 9, [list(9, 1), list(4, 0)].concat());
    assert!(nested.problem().contains("unknown type 9"));
    let endless =
        Builder::new("llama").with("list", 9, [4_u32.to_le_bytes().to_vec(), vec![0xFF; 8]].concat());
    assert!(matches!(endless.read(), Err(Invalid::CutHeader { .. })));
    let doubled = {
        let mut builder = Builder::new("llama");
        builder.pairs.push(builder.pairs[0].clone());
        builder
    };
    assert!(doubled.problem().contains("there twice"));
    assert!(matches!(header(b"once upon a time"), Err(Invalid::Magic)));
    assert!(matches!(header(b"GGUF\x09\0\0\0"), Err(Invalid::Version(9))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damage_is_never_a_panic(damage in prop::collection::vec((any::<usize>(), any::<u8>()), 1..12)) {
        let mut bytes = Builder::new("llama").numbers(".attention.head_count_kv", &[1, 2]).bytes();
        let length = bytes.len();
        for (at, byte) in damage {
            bytes[at % length] = byte;
        }
        // What is said to be a model can be counted, whatever it says.
        if let Ok(header) = header(&bytes) {
            prop_assert!((1..=512).contains(&header.shape.layers.len()));
            prop_assert!(header.shape.weights <= length as u64);
        }
    }

    #[test]
    fn bytes_of_any_kind_are_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [b"GGUF\x03\0\0\0".to_vec(), bytes].concat();
        prop_assert!(header(&bytes).is_err());
    }
}
