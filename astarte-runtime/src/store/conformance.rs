//! What every store must do, as tests for a store of one's own: see [`conformance!`](crate::store::conformance!).
//!
//! Each case is a function that takes an empty store and panics where the store does not keep its contract.

pub mod properties;
pub mod retention;
pub mod session;
pub mod together;

/// Tests a store.
///
/// It makes a module of the given name with a test for each rule. The closure returns a new, empty store each time it is
/// called. After the name stand the traits that the store implements, of `[properties, retention, session]`; without any it
/// is all three, and that they leave each other alone.
///
/// ```
/// use astarte_runtime::store::{self, MemoryStore};
///
/// store::conformance!(memory, || MemoryStore::new());
/// store::conformance!(memory_as_property_store: [properties], || MemoryStore::new());
/// ```
#[doc(hidden)]
#[macro_export]
macro_rules! __store_conformance {
    ($name:ident, $store:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the closure decides what it needs")]
            use super::*;
            $crate::__store_conformance!(@properties $store);
            $crate::__store_conformance!(@retention $store);
            $crate::__store_conformance!(@session $store);
            $crate::__store_conformance!(@cases together, $store,
                a_clear_leaves_other_kinds_alone
            );
        }
    };
    ($name:ident: [$($kind:ident),+], $store:expr) => {
        mod $name {
            #[allow(unused_imports, reason = "the closure decides what it needs")]
            use super::*;
            $($crate::__store_conformance!(@$kind $store);)+
        }
    };
    (@properties $store:expr) => {
        $crate::__store_conformance!(@cases properties, $store,
            absent_rows_are_none,
            absent_rows_may_be_changed,
            acknowledgements_are_of_one_value,
            acknowledgements_keep_the_rest,
            batches_are_seen_whole,
            changes_apply_in_their_order,
            clear_removes_every_row,
            completeness_is_kept,
            falsy_values_are_values,
            major_versions_are_apart,
            other_majors_go_at_once,
            owners_may_change,
            rows_are_in_order,
            rows_come_back_as_they_were,
            rows_replace_each_other,
            writes_are_seen_by_other_threads
        );
    };
    (@retention $store:expr) => {
        $crate::__store_conformance!(@cases retention, $store,
            a_new_store_is_empty,
            absent_messages_may_be_changed,
            batches_are_seen_whole,
            changes_apply_in_their_order,
            clear_keeps_the_last_number,
            counters_match_the_rows,
            large_payloads_come_back,
            loading_goes_on_behind_a_number,
            loading_is_limited,
            messages_come_back_as_they_were,
            messages_are_in_order,
            released_messages_keep_their_place,
            set_aside_messages_are_kept,
            set_aside_messages_are_bounded,
            the_clock_is_kept,
            the_last_number_never_falls
        );
    };
    (@session $store:expr) => {
        $crate::__store_conformance!(@cases session, $store,
            a_new_session_voids_the_old,
            a_new_store_has_none,
            all_ids_may_be_in_use,
            changes_apply_in_their_order,
            changes_come_back,
            nothing_is_noted_before_a_session
        );
    };
    (@cases $kind:ident, $store:expr, $($case:ident),+) => {
        mod $kind {
            #[allow(unused_imports, reason = "the closure decides what it needs")]
            use super::*;
            $(
                #[test]
                fn $case() {
                    let store = $store;
                    $crate::store::conformance::$kind::$case(&store());
                }
            )+
        }
    };
}
