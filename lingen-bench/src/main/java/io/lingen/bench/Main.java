package io.lingen.bench;

import io.lingen.bench.internal.BackendAgreement;
import io.lingen.bench.internal.GpuTimings;
import io.lingen.bench.internal.JmhRun;
import io.lingen.bench.internal.PeerComparison;
import io.lingen.bench.internal.WanComparison;
import io.lingen.bench.internal.WanMemory;
import java.io.PrintWriter;
import java.util.Arrays;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/**
 * The command {@code lingen bench}. {@code jmh} runs the benchmarks, {@code peer} compares with PyTorch, {@code wan-peer} compares with
 * diffusers, {@code wan-memory} checks memory forecasts, {@code gpu} times the CUDA backend, and {@code agreement} compares the clips of two
 * backends.
 */
@Command(
        name = "lingen bench",
        mixinStandardHelpOptions = true,
        description = "Measure the speed of denoisers, their layers and decoders.",
        commandListHeading = "%nCommands:%n",
        subcommands = {
            PeerComparison.class,
            WanComparison.class,
            WanMemory.class,
            GpuTimings.class,
            BackendAgreement.class
        },
        footer = {
            "  jmh         Run the JMH benchmarks DenoiserBenchmark, BlockBenchmark and",
            "                DecoderBenchmark. 'lingen bench jmh -h' lists its options.",
            "",
            "Examples:",
            "  lingen bench jmh DenoiserBenchmark -p seconds=4,17 -p precision=bf16",
            "  lingen bench peer --python python3",
            "  lingen bench wan-peer --part denoiser --python python3",
            "  lingen bench gpu --seconds 17,68"
        })
public final class Main {
    private Main() {}

    /**
     * Runs a command and exits with its code.
     *
     * @param arguments the name of the command and its arguments
     * @throws Exception if a benchmark fails
     */
    public static void main(String[] arguments) throws Exception {
        System.exit(run(arguments));
    }

    /**
     * {@return the exit code of a command: 0 if it succeeded and its output was written, otherwise another number}
     *
     * @param arguments the name of the command and its arguments
     * @throws Exception if a benchmark fails
     */
    public static int run(String... arguments) throws Exception {
        int code = execute(arguments);
        if (System.out.checkError()) {
            System.err.println(
                    "lingen bench: could not write to standard output, so results printed there are incomplete; check for a"
                            + " full disk or a closed pipe");
            return Math.max(code, CommandLine.ExitCode.SOFTWARE);
        }
        return code;
    }

    private static int execute(String[] arguments) throws Exception {
        // JMH parses its own command line, whose options have other meanings here.
        if (arguments.length > 0 && arguments[0].equals("jmh")) {
            JmhRun.run(Arrays.copyOfRange(arguments, 1, arguments.length));
            return CommandLine.ExitCode.OK;
        }
        CommandLine command = new CommandLine(new Main()).setOut(new PrintWriter(System.out, true));
        String version = Main.class.getPackage().getImplementationVersion();
        String[] text = {"lingen " + (version == null ? "development" : version)};
        command.getCommandSpec().version(text);
        command.getSubcommands().values().forEach(each -> each.getCommandSpec().version(text));
        command.setExecutionExceptionHandler((failure, failed, parsed) -> {
            failed.getErr().println(failure.getMessage());
            return failed.getCommandSpec().exitCodeOnExecutionException();
        });
        return command.execute(arguments);
    }
}
