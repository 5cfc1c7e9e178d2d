# The manual page and the completion scripts: printed by the program itself, from the option table that --help uses.

function(sparsesim_manual program)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/manual)
  set(pages ${folder}/sparsesim.1 ${folder}/sparsesim.bash ${folder}/_sparsesim ${folder}/sparsesim.fish)
  file(MAKE_DIRECTORY ${folder})
  add_custom_command(OUTPUT ${pages} DEPENDS ${program} VERBATIM COMMENT "Printing the manual page and the completions"
    COMMAND ${program} man > ${folder}/sparsesim.1
    COMMAND ${program} completion bash > ${folder}/sparsesim.bash
    COMMAND ${program} completion zsh > ${folder}/_sparsesim
    COMMAND ${program} completion fish > ${folder}/sparsesim.fish)
  add_custom_target(${program}_manual ALL DEPENDS ${pages})
  install(FILES ${folder}/sparsesim.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
  install(FILES ${folder}/sparsesim.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME sparsesim)
  install(FILES ${folder}/_sparsesim DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
  install(FILES ${folder}/sparsesim.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endfunction()
