#pragma once

#include <cstddef>
#include <string>

namespace penstock {

/// Memory for texts that are used up soon, such as answers: a few pieces serve all of them, and are still in the
/// processor's cache. Each thread has its own.

/// Empty, with room for so many bytes or more.
std::string take_text(std::size_t bytes);

/// Of any text that is not needed any more. What is too small or too large for the next one is freed.
void give_text(std::string text);

}  // namespace penstock
