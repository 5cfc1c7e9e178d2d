# Writes SOURCE, a C++ file with the page PAGE/report.html around its data; MODULES are the files of Vega, none for no page.
cmake_minimum_required(VERSION 3.25)

# Vega's modules are written for `require`: each becomes a function in a table that a few lines of charts.js run.
set(vega "")
foreach(module IN LISTS MODULES)
  get_filename_component(name ${module} NAME)
  string(REPLACE ".min.js" "" name ${name})
  file(READ ${module} text)
  string(REGEX REPLACE "\n//# sourceMappingURL=[^\n]*" "" text "${text}")
  string(APPEND vega "modules[\"${name}\"] = function (exports, module, require) {\n${text}\n};\n")
endforeach()

file(READ ${PAGE}/report.html page)
foreach(part report.css charts.js report.js vega_license.txt)
  file(READ ${PAGE}/${part} text)
  string(REPLACE "@${part}@" "${text}" page "${page}")
endforeach()
string(REPLACE "@vega@" "${vega}" page "${page}")
string(FIND "${page}" "@data@" at)
math(EXPR after "${at} + 6")
string(SUBSTRING "${page}" 0 ${at} head)
string(SUBSTRING "${page}" ${after} -1 tail)
if(NOT MODULES)
  set(head "")
  set(tail "")
endif()

file(WRITE ${SOURCE} "// Written from validate/compare/page and Vega.\n\n#include \"validate/compare/html_report.h\"\n\n"
  "namespace sparsesim {\n\nconst std::string_view kReportPageHead = R\"sparsesim(${head})sparsesim\";\n"
  "const std::string_view kReportPageTail = R\"sparsesim(${tail})sparsesim\";\n\n}  // namespace sparsesim\n")
