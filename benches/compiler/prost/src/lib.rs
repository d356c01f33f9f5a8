include!(concat!(env!("OUT_DIR"), "/bench.rs"));
