# Writes SOURCE, a C++ file with MODULES, the files of Vega, as one script under LICENSE; an empty one for no module.
cmake_minimum_required(VERSION 3.25)

# Vega's modules are written for `require`: each becomes a function in a table that a few lines of charts.js run.
set(vega "")
if(MODULES)
  file(READ ${LICENSE} license)
  set(vega "/*\n${license}*/\n\"use strict\";\nconst modules = {};\n")
endif()
foreach(module IN LISTS MODULES)
  get_filename_component(name ${module} NAME)
  string(REPLACE ".min.js" "" name ${name})
  file(READ ${module} text)
  string(REGEX REPLACE "\n//# sourceMappingURL=[^\n]*" "" text "${text}")
  string(APPEND vega "modules[\"${name}\"] = function (exports, module, require) {\n${text}\n};\n")
endforeach()
file(WRITE ${SOURCE} "// Written from Vega.\n\n#include \"sim/page/page.h\"\n\nnamespace sparsesim {\n\n"
  "const std::string_view kVega = R\"sparsesim(${vega})sparsesim\";\n\n}  // namespace sparsesim\n")
