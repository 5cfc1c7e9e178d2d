"""The command line and what is generated from its table: help, completion, manual page, one-line errors."""
import shutil
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else "sparsesim"
sys.argv = sys.argv[:1]  # the source folder is not needed here

COMMANDS = ["run", "validate", "show", "list", "estimate", "schema", "completion", "man", "version", "help"]


def call(*arguments):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)


class CommandLine(unittest.TestCase):
    def refused(self, *arguments, expect):
        result = call(*arguments)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertIn(expect, result.stderr)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)

    def test_patterns_of_weights_and_of_attention_are_listed(self):
        names = call("list", "patterns", "--names").stdout.split()
        for name in ["2:4", "block", "window", "retrieved"]:
            self.assertEqual(names.count(name), 1, names)

    def test_help_lists_every_command_and_each_has_its_own(self):
        text = call("--help").stdout
        for command in COMMANDS:
            self.assertIn(f"  {command} ", text)
            own = call(command, "--help")
            self.assertEqual(own.returncode, 0)
            self.assertTrue(own.stdout.startswith(f"Usage: sparsesim {command}"), own.stdout)
            self.assertEqual(own.stdout, call("help", command).stdout)

    def test_misspelt_names_are_answered_with_the_nearest(self):
        self.refused("rnu", expect='did you mean "run"?')
        self.refused("run", "--substrat", "a", "--workload", "b", expect='did you mean "--substrate"?')
        self.refused("validate", "--measurements", "a", "--format", "jsn", expect='did you mean "json"?')
        self.refused("list", "substrate", expect='did you mean "substrates"?')

    def test_missing_repeated_and_wrong_values(self):
        self.refused("run", "--workload", "b", expect="run needs --substrate S")
        self.refused("run", "--substrate", expect="--substrate of run needs a value")
        self.refused("run", "--substrate", "a", "--substrate", "b", "--workload", "c", expect="more than once")
        self.refused("run", "--substrate", "a", "--workload", "b", "--quiet=1", expect="takes no value")
        for seed in ["-1", "5x", "1e3", "9223372036854775808", ""]:
            self.refused("run", "--substrate", "a", "--workload", "b", f"--seed={seed}", expect="--seed")
        self.refused("show", expect="show needs SUBSTRATE")

    def test_an_estimate_takes_the_smallest_aligned_share(self):
        # 1 / (1 - 0.8 * 0.5) = 1.67
        text = call("estimate", "--sparsity", "80%", "--cache", "0.9", "--dispatch", "0.5").stdout
        self.assertEqual(text, "1.67x of ideal 5.00x: 1 / (1 - 0.8 * 0.5), limited by tasks of the dispatcher\n")
        self.assertEqual(call("estimate", "--sparsity", "0.5").stdout, "2.00x of ideal 2.00x: 1 / (1 - 0.5 * 1)\n")
        for share in ["1.5", "-0.1", "nan", "half", "101%"]:
            self.refused("estimate", "--sparsity", share, expect="--sparsity must be a share from 0 to 1")
        self.refused("estimate", expect="estimate needs --sparsity SHARE")

    def test_completion_scripts_are_accepted_by_their_shells(self):
        for shell in ["bash", "zsh", "fish"]:
            script = call("completion", shell)
            self.assertEqual(script.returncode, 0)
            for command in COMMANDS:
                self.assertIn(command, script.stdout)
            if shutil.which(shell):
                checked = subprocess.run([shell, "-n"], input=script.stdout, capture_output=True, text=True)
                self.assertEqual((checked.returncode, checked.stderr), (0, ""))

    def test_bash_completes_commands_options_and_choices(self):
        if not shutil.which("bash"):
            self.skipTest("no bash")
        def complete(*words):
            ask = "source <(cat); COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _sparsesim; printf '%s\\n' \"${COMPREPLY[@]}\""
            result = subprocess.run(["bash", "-c", ask, "ask", "sparsesim", *words], input=call("completion", "bash").stdout,
                                    capture_output=True, text=True)
            return result.stdout.split()
        self.assertEqual(complete("val"), ["validate"])
        self.assertEqual(complete("run", "--work"), ["--workload"])
        self.assertEqual(complete("run", "--format", "j"), ["json"])
        self.assertEqual(complete("completion", "z"), ["zsh"])

    def test_manual_page_names_every_option_of_the_help(self):
        page = call("man").stdout
        self.assertTrue(page.startswith(".TH SPARSESIM 1"))
        for option in ["substrate", "timeline", "measurements", "masks", "names"]:
            self.assertIn("\\-\\-" + option, page)
        if shutil.which("man") and shutil.which("groff"):
            checked = subprocess.run(["man", "--warnings", "-l", "-"], input=page, capture_output=True, text=True)
            self.assertEqual(checked.stderr, "")


if __name__ == "__main__":
    unittest.main()
