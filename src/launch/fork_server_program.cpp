#include "launch/fork_server_program.h"

// The assembler reads the file: CMake passes its folder, and compiles this file again when it changes.
asm(R"(
  .pushsection .rodata
  .global penstock_fork_server_program
  penstock_fork_server_program:
  .incbin "fork_server.py"
  .byte 0
  .popsection
)");

extern "C" {
extern const char penstock_fork_server_program[];
}

namespace penstock::launch {

std::string fork_server_program() {
  return penstock_fork_server_program;
}

}  // namespace penstock::launch
