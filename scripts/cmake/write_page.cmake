# Writes SOURCE, a C++ file with the template kNAMEPage: BODY, STYLE and SCRIPTS in the skeleton of PARTS, under TITLE.
cmake_minimum_required(VERSION 3.25)

# Puts the texts of files one after the other in place of @name@.
macro(fill name)
  set(joined "")
  foreach(file ${ARGN})
    file(READ ${file} text)
    string(APPEND joined "${text}")
  endforeach()
  string(REPLACE "@${name}@" "${joined}" page "${page}")
endmacro()

# Cuts `page` at @name@: what is before goes to `before`.
macro(cut name before)
  string(FIND "${page}" "@${name}@" at)
  string(SUBSTRING "${page}" 0 ${at} ${before})
  string(LENGTH "@${name}@" length)
  math(EXPR after "${at} + ${length}")
  string(SUBSTRING "${page}" ${after} -1 page)
endmacro()

file(READ ${PARTS}/skeleton.html page)
string(REPLACE "@title@" "${TITLE}" page "${page}")
fill(style ${PARTS}/style.css ${STYLE})
fill(body ${BODY})
fill(common ${PARTS}/page.js ${PARTS}/charts.js)
fill(script ${SCRIPTS})
cut(data before_data)
cut(vega before_vega)
file(WRITE ${SOURCE} "// Written from ${BODY} and what it uses.\n\n#include \"sim/page/page.h\"\n\nnamespace sparsesim {\n\n"
  "extern const PageTemplate k${NAME}Page;\nconst PageTemplate k${NAME}Page = {R\"sparsesim(${before_data})sparsesim\",\n"
  "R\"sparsesim(${before_vega})sparsesim\",\nR\"sparsesim(${page})sparsesim\"};\n\n}  // namespace sparsesim\n")
