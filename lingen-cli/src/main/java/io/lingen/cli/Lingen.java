package io.lingen.cli;

import java.io.PrintWriter;
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
        description = {"Generate video from text.", ""},
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        subcommands = {
            GenerateCommand.class,
            ResumeCommand.class,
            DecodeCommand.class,
            BatchCommand.class,
            InfoCommand.class,
            ParityCommand.class,
            BenchCommand.class,
            CommandLine.HelpCommand.class
        },
        commandListHeading = "%nCommands:%n",
        synopsisSubcommandLabel = "COMMAND",
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:done", "1:failed", "2:wrong usage", "130:interrupted; 'lingen resume' continues"},
        footer = {
            "",
            "Example:",
            "  lingen generate \"a red circle moves to the right over a night sky\" -o out.mp4",
            "",
            "Run 'lingen COMMAND --help' for the options of a command."
        })
public final class Lingen implements Runnable {
    @Spec
    private CommandSpec spec;

    private static volatile boolean shuttingDown;

    private Lingen() {}

    /**
     * Runs a command and exits with its code.
     *
     * @param args the command and its options
     */
    public static void main(String[] args) {
        CommandLine command = commandLine();
        AtomicBoolean done = new AtomicBoolean();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            if (!done.get()) {
                shuttingDown = true;
                command.getErr().println(System.lineSeparator() + Interruption.exitMessage());
            }
        }));
        int code = run(command, args);
        done.set(true);
        System.exit(code);
    }

    /** Whether the JVM is shutting down, which explains any failure. */
    static boolean isShuttingDown() {
        return shuttingDown;
    }

    /** Executes a command; returns its exit code. Output that can't be written is a failure. */
    static int run(CommandLine command, String... args) {
        int code = execute(command, args);
        return command.getOut().checkError() ? ErrorReport.outputFailure(code, command) : code;
    }

    private static int execute(CommandLine command, String... args) {
        try {
            return command.execute(args);
        } catch (OutOfMemoryError | LinkageError | StackOverflowError | ServiceConfigurationError e) {
            return ErrorReport.failure(e, command);
        }
    }

    /** Creates the command line. */
    static CommandLine commandLine() {
        return new CommandLine(new Lingen())
                // Reports the errors of System.out, which picocli's own writer hides.
                .setOut(new PrintWriter(System.out, true))
                // A prompt may begin with @.
                .setExpandAtFiles(false)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpAutoWidth(true)
                .setParameterExceptionHandler(ErrorReport::usageError)
                .setExecutionExceptionHandler(ErrorReport::failure);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "command must be given, found none");
    }
}
