use astarte_runtime::ParamStr;

const ROOM: ParamStr<'_> = ParamStr::literal("");

fn main() {}
