#pragma once

namespace penstock::store {

// Of the calling thread. Both are wishes: a system that does not grant them changes nothing but speed.

/// Whatever else wants the processor comes first.
void run_when_others_do_not();

/// It works for some ten microseconds at a time and others wait for what it does: when it wakes it comes before a
/// thread that is in the middle of its slice (docs/decisions/0037).
void run_soon_and_briefly();

}  // namespace penstock::store
