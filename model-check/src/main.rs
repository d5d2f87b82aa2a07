//! Exhaustive checks of modeld's machines.

mod exhaustive;
mod lease;
mod properties;

fn main() {
    let mut l = lease::Lease::SMALL;
    for a in std::env::args().skip(1) {
        let (k, v) = a.split_once('=').unwrap();
        let v: u8 = v.parse().unwrap();
        match k {
            "n" => l.processes = v as usize,
            "ttl" => l.ttl = v,
            "h" => l.horizon = v,
            "c" => l.crashes = v,
            "r" => l.restarts = v,
            "f" => l.failures = v,
            "x" => l.replacements = v,
            "busy" => l.busy = v > 0,
            "kill" => l.kill = v > 0,
            "prompt" => l.prompt = v > 0,
            "m" => l.mutant = Some(lease::mutants::Mutant::ALL[v as usize]),
            _ => panic!(),
        }
    }
    if let Some(m) = l.mutant {
        let p = exhaustive::shortest(l, m.caught_by().0).expect("survived");
        for a in p.into_actions() {
            println!("{a}");
        }
        return;
    }
    let r = exhaustive::Exhaustive::search(l, 2);
    let r = match r {
        Ok(r) => r,
        Err(e) => {
            println!("{e:?}");
            return;
        }
    };
    println!("{} {} {} {:?}", r.unique, r.generated, r.depth, r.took);
    for v in r.verdicts {
        println!("{:?} {} {:?}", v.kind, v.property, v.path.as_ref().map(|p| p.clone().into_actions().len()));
        if let (exhaustive::Kind::Always, Some(p)) = (v.kind, v.path) {
            for a in p.into_actions() {
                println!("   {a}");
            }
        }
    }
}
