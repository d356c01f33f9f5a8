astarte_runtime::include_interfaces!();
