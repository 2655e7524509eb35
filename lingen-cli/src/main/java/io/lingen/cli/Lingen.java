package io.lingen.cli;

import java.util.ServiceConfigurationError;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code lingen}. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. */
@Command(
        name = "lingen",
        description = "Makes videos from text, at a cost linear in the number of pixels.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {GenerateCommand.class, InfoCommand.class, ParityCommand.class, BenchCommand.class},
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed", "2:wrong usage", "130:interrupted; 'generate' says how to go on"},
        footer = {
            "",
            "Example:",
            "  lingen generate \"a red circle moves to the right over a night sky\" -o out.mp4",
            "",
            "'lingen COMMAND --help' explains a command."
        })
public final class Lingen implements Runnable {
    @Spec
    private CommandSpec spec;

    private static volatile boolean ending;

    private Lingen() {}

    public static void main(String[] args) {
        CommandLine command = commandLine();
        AtomicBoolean done = new AtomicBoolean();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (!done.get()) {
                ending = true;
                command.getErr().println(System.lineSeparator() + Interruption.exitMessage());
            }
        }));
        int code = run(command, args);
        done.set(true);
        System.exit(code);
    }

    /** Whether the virtual machine is on its way down: what fails then fails because of that. */
    static boolean isEnding() {
        return ending;
    }

    /** Executes arguments; the exit code. */
    static int run(CommandLine command, String... args) {
        try {
            return command.execute(args);
        } catch (OutOfMemoryError | LinkageError | StackOverflowError | ServiceConfigurationError e) {
            return ErrorReport.failure(e, command);
        }
    }

    /** The command line, ready to execute arguments. */
    static CommandLine commandLine() {
        return new CommandLine(new Lingen())
                // A prompt may begin with @.
                .setExpandAtFiles(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setParameterExceptionHandler(ErrorReport::wrongUsage)
                .setExecutionExceptionHandler(ErrorReport::failure);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "a command is missing");
    }
}
