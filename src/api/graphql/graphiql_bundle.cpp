#include "api/graphql/graphiql_bundle.h"

#include <array>

// The assembler reads the files: CMake passes their folder, and compiles this file again when they change.
asm(R"(
  .pushsection .rodata
  .global penstock_graphiql_html, penstock_graphiql_html_end
  .global penstock_graphiql_js, penstock_graphiql_js_end
  .global penstock_graphiql_css, penstock_graphiql_css_end
  .global penstock_graphiql_licenses, penstock_graphiql_licenses_end
  penstock_graphiql_html:
  .incbin "index.html"
  penstock_graphiql_html_end:
  penstock_graphiql_js:
  .incbin "graphiql.js"
  penstock_graphiql_js_end:
  penstock_graphiql_css:
  .incbin "graphiql.css"
  penstock_graphiql_css_end:
  penstock_graphiql_licenses:
  .incbin "licenses.txt"
  penstock_graphiql_licenses_end:
  .popsection
)");

extern "C" {
extern const char penstock_graphiql_html[], penstock_graphiql_html_end[];
extern const char penstock_graphiql_js[], penstock_graphiql_js_end[];
extern const char penstock_graphiql_css[], penstock_graphiql_css_end[];
extern const char penstock_graphiql_licenses[], penstock_graphiql_licenses_end[];
}

namespace penstock::api {

std::span<const BundledFile> graphiql_bundle() {
  static const std::array kFiles = {
      BundledFile{"index.html", "text/html; charset=utf-8", {penstock_graphiql_html, penstock_graphiql_html_end}},
      BundledFile{"graphiql.js", "text/javascript; charset=utf-8", {penstock_graphiql_js, penstock_graphiql_js_end}},
      BundledFile{"graphiql.css", "text/css; charset=utf-8", {penstock_graphiql_css, penstock_graphiql_css_end}},
      BundledFile{
          "licenses.txt", "text/plain; charset=utf-8", {penstock_graphiql_licenses, penstock_graphiql_licenses_end}},
  };
  return kFiles;
}

}  // namespace penstock::api
