# One static library per module, named penstock_<module>; its links are the dependency graph of the project
# (tests/lint/check_includes.py holds the #include lines against the same graph).

find_package(Threads REQUIRED)
find_package(GTest REQUIRED)
include(GoogleTest)

add_library(penstock_options INTERFACE)
target_include_directories(penstock_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(penstock_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror=return-type)
target_link_libraries(penstock_options INTERFACE Threads::Threads)
if(PENSTOCK_SANITIZE)
  target_compile_options(penstock_options INTERFACE -fsanitize=${PENSTOCK_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(penstock_options INTERFACE -fsanitize=${PENSTOCK_SANITIZE})
endif()

if(PENSTOCK_FUZZ)
  # What the fuzzer steers by: the branches taken in the modules, not only in its own program.
  target_compile_options(penstock_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

set(penstock_precompiled_options -O0 "SHELL:-Xclang -fno-pch-timestamp")  # ccache keeps nothing that uses a header with a time in it
if(PENSTOCK_PRECOMPILED)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/precompiled.cpp CONTENT "")  # a target needs a source
  add_library(penstock_precompiled OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_link_libraries(penstock_precompiled PRIVATE penstock_options GTest::gtest)
  target_compile_options(penstock_precompiled PRIVATE ${penstock_precompiled_options})
  target_precompile_headers(penstock_precompiled PRIVATE
    <algorithm> <array> <charconv> <chrono> <condition_variable> <deque> <filesystem> <fstream> <functional> <map> <memory>
    <mutex> <optional> <set> <span> <sstream> <string> <string_view> <thread> <unordered_map> <variant> <vector>
    <fmt/format.h> <gtest/gtest.h> <tl/expected.hpp>
    <base/error.h> <base/time.h> <json/json.h> <core/engine.h> <net/http.h>)
endif()

# penstock_precompile(TARGET KIND): KIND is `tests` or `modules`. The header is compiled without optimisation, and so is what uses it.
function(penstock_precompile TARGET KIND)
  if(PENSTOCK_PRECOMPILED STREQUAL "all" OR PENSTOCK_PRECOMPILED STREQUAL KIND)
    target_compile_options(${TARGET} PRIVATE ${penstock_precompiled_options})
    target_precompile_headers(${TARGET} REUSE_FROM penstock_precompiled)
  endif()
endfunction()

set(penstock_lto_options -flto=thin -ffat-lto-objects)  # machine code as ever, and what the linker optimises

# penstock_module(NAME [DEPS module...] [LINK target...])
# Sources: every .cpp below the module's folder, except tests/ and examples/. Tests: every .cpp below its tests/ folder, as <NAME>_tests.
function(penstock_module NAME)
  cmake_parse_arguments(ARG "" "" "DEPS;LINK" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  list(FILTER sources EXCLUDE REGEX "/(tests|examples)/")
  if(sources)
    add_library(penstock_${NAME} STATIC ${sources})
    penstock_precompile(penstock_${NAME} modules)
    if(PENSTOCK_LTO)
      target_compile_options(penstock_${NAME} PRIVATE ${penstock_lto_options})
    endif()
    set(scope PUBLIC)
  else()
    add_library(penstock_${NAME} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(penstock_${NAME} ${scope} penstock_options)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(penstock_${NAME} ${scope} penstock_${dep})
  endforeach()
  if(ARG_LINK)
    if(sources)
      target_link_libraries(penstock_${NAME} PRIVATE ${ARG_LINK})
    else()
      target_link_libraries(penstock_${NAME} INTERFACE ${ARG_LINK})
    endif()
  endif()
  if(PENSTOCK_TESTS)
    file(GLOB_RECURSE test_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/tests/*.cpp)
    if(test_sources)
      penstock_test(${NAME}_tests SOURCES ${test_sources} DEPS ${NAME})
    endif()
  endif()
endfunction()

# penstock_test(NAME SOURCES file... DEPS module...): a GoogleTest program whose cases ctest knows by name.
function(penstock_test NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  penstock_precompile(${NAME} tests)
  foreach(dep ${ARG_DEPS})
    target_link_libraries(${NAME} PRIVATE penstock_${dep})
  endforeach()
  target_link_libraries(${NAME} PRIVATE GTest::gtest GTest::gtest_main)
  # Test code runs once and compiles often; what it tests is optimised as ever.
  target_compile_options(${NAME} PRIVATE -O0)
  gtest_discover_tests(${NAME} DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 300)
endfunction()
