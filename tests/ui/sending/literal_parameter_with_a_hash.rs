use astarte_runtime::ParamStr;

const ROOM: ParamStr<'_> = ParamStr::literal("kitchen#1");

fn main() {}
