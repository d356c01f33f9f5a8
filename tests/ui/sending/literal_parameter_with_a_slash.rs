use astarte_runtime::ParamStr;

const ROOM: ParamStr<'_> = ParamStr::literal("kitchen/left");

fn main() {}
