#include "sim/page/page.h"

namespace sparsesim {

std::string json_in_page(std::string_view json) {
  std::string safe;
  safe.reserve(json.size() + json.size() / 16);
  for (const char ch : json) {
    if (ch == '<')
      safe += "\\u003c";
    else
      safe += ch;
  }
  return safe;
}

std::string write_page(const PageTemplate& page, std::string_view json) {
  std::string out(page.before_data);
  out += json_in_page(json);
  out += page.before_vega;
  out += kVega;
  out += page.rest;
  return out;
}

}  // namespace sparsesim
