package io.lingen.cli;

import static io.lingen.cli.Damage.cut;
import static io.lingen.cli.Damage.set;
import static io.lingen.cli.Damage.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.wan.internal.TinyWan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Folders of published models that are incomplete, damaged, inconsistent or malicious, and that are never written to. */
class WanFolderTest {
    private static final String INDEX = "model_index.json";
    private static final String TRANSFORMER = "transformer/config.json";
    private static final String WEIGHTS = "transformer/diffusion_pytorch_model.safetensors";
    private static final String VAE = "vae/config.json";
    private static final String ENCODER = "text_encoder/config.json";
    private static final String SHARD = "text_encoder/model-00001-of-00002.safetensors";
    private static final String SHARDS = "text_encoder/model.safetensors.index.json";
    private static final String TOKENIZER = "tokenizer/tokenizer.json";
    private static final String SCHEDULER = "scheduler/scheduler_config.json";

    @TempDir
    private Path model;

    @TempDir
    private Path output;

    @BeforeEach
    void writeModel() throws IOException {
        TinyWan.write(model);
    }

    @Test
    void infoListsMissingFilesAndTheRest() throws IOException {
        CommandRun whole = info();
        assertEquals(0, whole.code(), whole.err());
        assertFalse(whole.out().contains("missing"), whole.out());
        for (String file : List.of(VAE, "vae/diffusion_pytorch_model.safetensors", SHARD, TOKENIZER)) {
            Files.delete(model.resolve(file));
        }
        CommandRun run = info();
        assertEquals(1, run.code(), run.err());
        assertEquals("", run.err());
        assertTrue(run.out().contains("denoiser  Wan, 2 blocks, width 32"), run.out());
        assertFalse(run.out().contains("decoder "), run.out());
        assertTrue(
                run.out()
                        .contains("missing   vae/config.json, vae/*.safetensors*, " + SHARD + ", " + TOKENIZER
                                + System.lineSeparator()),
                run.out());
        assertTrue(
                run.out()
                        .contains("download them: hf download REPOSITORY --local-dir '" + model
                                + "' --include 'vae/config.json' --include 'vae/*.safetensors*' --include '" + SHARD
                                + "' --include '" + TOKENIZER + "'"),
                run.out());
        generate()
                .assertRefused(1, "expected a complete model, found no vae/config.json, vae/*.safetensors*, " + SHARD);
    }

    @Test
    void infoKnowsTheRepositoryByTheWidth() throws IOException {
        set(TRANSFORMER, "num_attention_heads", "12").accept(model);
        set(TRANSFORMER, "attention_head_dim", "128").accept(model);
        Files.delete(model.resolve(SCHEDULER));
        Files.delete(model.resolve(WEIGHTS));
        assertTrue(info().out().contains("hf download Wan-AI/Wan2.1-T2V-1.3B-Diffusers "), info().out());
        set(INDEX, "_class_name", "\"WanDMDPipeline\"").accept(model);
        assertTrue(info().out().contains("hf download FastVideo/FastWan2.1-T2V-1.3B-Diffusers "), info().out());
    }

    static Stream<Arguments> weights() {
        return Stream.of(
                of("truncated shard", cut(SHARD, 900), "model-00001-of-00002.safetensors"),
                of("truncated transformer", cut(WEIGHTS, 4000), WEIGHTS),
                of("index of a missing file", shard("\"x.safetensors\""), "found no text_encoder/x.safetensors"),
                of("index of a file above", shard("\"../vae/x.safetensors\""), "the plain name of a file next to"),
                of("index of an absolute file", shard("\"/etc/passwd\""), "the plain name of a file next to the index"),
                of("index of nothing", write(SHARDS, "{\"weight_map\": {}}"), "expected a 'weight_map'"),
                of("pickles", rename(WEIGHTS, "transformer/pytorch_model.bin"), "found only a PyTorch checkpoint"),
                of("GGUF", rename(WEIGHTS, "transformer/wan-Q4_0.gguf"), "found only a GGUF file of quantized weights"),
                of("pickle under another name", write(WEIGHTS, "PK\3\4data.pkl"), "save_file"),
                of("GGUF under another name", write(WEIGHTS, "GGUF\3\0\0\0"), "found a GGUF file"),
                of(
                        "scales of fp8",
                        tensors(all -> all.put("blocks.0.attn1.to_q.scale_weight", HostTensor.of(new float[1], 1))),
                        "found an fp8-scaled checkpoint; use the model's original weights"),
                of("one of another name", rename(WEIGHTS, "transformer/wan.safetensors"), "expected a complete model"),
                of("text encoder of T5", set(ENCODER, "model_type", "\"t5\""), "relative_attention_bias"),
                of("transformer of more layers", set(TRANSFORMER, "num_layers", "3"), "'blocks.2."),
                of("transformer of fewer layers", set(TRANSFORMER, "num_layers", "1"), "does not use: blocks.1."),
                of(
                        "latents of others",
                        set(TRANSFORMER, "in_channels", "16").andThen(set(TRANSFORMER, "out_channels", "16")),
                        "of 16 and 5 channels"),
                of("text of others", set(TRANSFORMER, "text_dim", "4096"), "width 4096 and 24"),
                of("decoder of others", set(VAE, "decoder_base_dim", "96"), "decoder.conv_in"),
                of("vocabulary of others", set(ENCODER, "vocab_size", "256384"), "'shared.weight'"),
                of("tokenizer of others", tokenizer(), "expected token ids below the 40 embeddings, found the id"),
                of("damaged tokenizer", write(TOKENIZER, "{\"version\": "), "tokenizer/tokenizer.json: expected JSON"),
                of("tokenizer of BERT", set(TOKENIZER, "post_processor", "null"), "a post_processor that adds </s>"));
    }

    static Stream<Arguments> configurations() {
        return Stream.of(
                of("image to video", set(TRANSFORMER, "image_dim", "1280"), "'image_dim'"),
                of("other norm", set(TRANSFORMER, "qk_norm", "\"rms_norm\""), "'qk_norm'"),
                of("other patch", set(TRANSFORMER, "patch_size", "[1, 4, 4]"), "'patch_size'"),
                of("no heads", set(TRANSFORMER, "num_attention_heads", "0"), "'num_attention_heads': found 0"),
                of("absurd heads", set(TRANSFORMER, "num_attention_heads", "100000"), "found 100000"),
                of("odd head", set(TRANSFORMER, "attention_head_dim", "17"), "'attention_head_dim': found 17"),
                of("absurd layers", set(TRANSFORMER, "num_layers", "1000000000"), "'num_layers': found 1000000000"),
                of("negative epsilon", set(TRANSFORMER, "eps", "-1"), "'eps': found -1"),
                of("no positions", set(TRANSFORMER, "rope_max_seq_len", "0"), "'rope_max_seq_len': found 0"),
                of("text for a number", set(TRANSFORMER, "ffn_dim", "\"60\""), "'ffn_dim': found \"60\""),
                of("attention in the decoder", set(VAE, "attn_scales", "[0.5]"), "'attn_scales'"),
                of("deviation of nothing", set(VAE, "latents_std", "[0, 1, 1, 1, 1]"), "latents_std: found 0.0"),
                of("too few means", set(VAE, "latents_mean", "[0]"), "latents_mean"),
                of("no channels", set(VAE, "z_dim", "0"), "'z_dim': found 0"),
                of("absurd widths", set(VAE, "dim_mult", "[1, 1000000000, 4, 4]"), "'dim_mult"),
                of(
                        "other activation",
                        set(ENCODER, "feed_forward_proj", "\"relu\""),
                        "'feed_forward_proj': found relu"),
                of("absurd width", set(ENCODER, "d_model", "1000000000"), "'d_model': found 1000000000"),
                of("no distance", set(ENCODER, "relative_attention_max_distance", "2"), "max_distance"),
                of("other prediction", set(SCHEDULER, "prediction_type", "\"epsilon\""), "'prediction_type'"),
                of("other solver", set(SCHEDULER, "_class_name", "\"DDIMScheduler\""), "found \"DDIMScheduler\""),
                of("no shift", set(SCHEDULER, "flow_shift", "0"), "'flow_shift': found 0"),
                of("dynamic shift", set(SCHEDULER, "use_dynamic_shifting", "true"), "'use_dynamic_shifting'"),
                of("Self-Forcing", set(INDEX, "_class_name", "\"WanCausalDMDPipeline\""), "Self-Forcing"),
                of("two experts", set(INDEX, "boundary_ratio", "0.875"), "a second transformer"),
                of(
                        "another pipeline",
                        set(INDEX, "_class_name", "\"\\u001b[2JFluxPipeline\""),
                        "\\u001b[2JFluxPipeline"),
                of("not JSON", write(TRANSFORMER, "layers: 4"), "expected JSON"),
                of("pointer", write(VAE, "version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource({"weights", "configurations"})
    void otherFoldersAreRefusedInAFewLines(String name, Consumer<Path> damage, String message) throws IOException {
        damage.accept(model);
        List<String> before = listing();
        generate().assertRefused(1, message);
        assertEquals(before, listing(), "the folder is not written to");
        try (Stream<Path> files = Files.list(output)) {
            assertEquals(List.of(), files.toList());
        }
        CommandRun run = info();
        assertFalse(run.err().contains("\tat ") || run.err().contains("unexpected "), run.err());
    }

    static Stream<Arguments> files() {
        return Stream.of(
                Arguments.of("zip", bytes("PK\3\4data.pkl"), "a zip archive, as PyTorch writes them (pickles"),
                Arguments.of("pickle", new byte[] {(byte) 0x80, 2, 'c', 'o', 's', '\n', 's', 'y', 's', 't'}, "pickle"),
                Arguments.of("GGUF", bytes("GGUF\3\0\0\0\0\0"), "a GGUF file of quantized weights; use"),
                Arguments.of(
                        "fp8",
                        bytes("X\0\0\0\0\0\0\0{\"blocks.0.attn1.to_q.weight\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],"
                                + "\"data_offsets\":[0,2]}}     __"),
                        "an fp8-scaled checkpoint; use the model's original weights in F32"),
                Arguments.of("page", bytes("<!DOCTYPE html><html>"), "a web page"),
                Arguments.of("nothing", new byte[0], "at least 8 bytes, found 0"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("files")
    void otherFilesForOptionsAreRefused(String name, byte[] content, String message) throws IOException {
        Path file = Files.write(output.resolve("weights.safetensors"), content);
        for (String option : List.of("--transformer", "--lora")) {
            generate(option, file).assertRefused(1, message);
            generate(option, file).assertRefused(1, "weights.safetensors");
        }
        generate("--lora", output.resolve("none.safetensors")).assertRefused(1, "expected a file, found none");
        generate("--transformer", output).assertRefused(1, "found a folder");
    }

    @Test
    void linksOfAHubCacheAreFollowed() throws IOException {
        Path cache = output.resolve("hub");
        Path blobs = Files.createDirectories(cache.resolve("blobs"));
        Path snapshot = cache.resolve("snapshots/abc");
        try (Stream<Path> files = Files.walk(model)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path blob = blobs.resolve(Integer.toHexString(file.toString().hashCode()));
                Files.copy(file, blob);
                Path link = snapshot.resolve(model.relativize(file).toString());
                Files.createDirectories(link.getParent());
                Files.createSymbolicLink(link, link.getParent().relativize(blob));
            }
        }
        Path direct = output.resolve("direct.mp4");
        assertEquals(0, generate(model, direct).code());
        CommandRun run = generate(snapshot, output.resolve("linked.mp4"));
        assertEquals(0, run.code(), run.err());
        assertEquals(0, info(snapshot).code());
        Files.delete(blobs.resolve(
                Integer.toHexString(model.resolve(TOKENIZER).toString().hashCode())));
        CommandRun dangling = generate(snapshot, output.resolve("x.mp4"));
        dangling.assertRefused(1, "expected a complete model, found no tokenizer/tokenizer.json");
    }

    private static Arguments of(String name, Consumer<Path> damage, String message) {
        return Arguments.of(name, damage, message);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    private static Damage rename(String from, String to) {
        return model -> {
            try {
                Files.move(model.resolve(from), model.resolve(to));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        };
    }

    private static Consumer<Path> shard(String name) {
        return write(SHARDS, "{\"weight_map\": {\"shared.weight\": " + name + "}}");
    }

    /** A tokenizer with more tokens than the text encoder has embeddings. */
    private static Damage tokenizer() {
        StringBuilder vocabulary = new StringBuilder("[[\"<pad>\", 0], [\"</s>\", 0], [\"<unk>\", 0]");
        for (int i = 0; i < 60; i++) {
            vocabulary.append(", [\"").append((char) (0x4E00 + i)).append("\", -1]");
        }
        return set(
                TOKENIZER,
                "model.vocab",
                vocabulary.append(", [\"a\", -1], [\"\u2581\", -1]]").toString());
    }

    private static Damage tensors(Consumer<Map<String, HostTensor>> change) {
        return model -> {
            Map<String, HostTensor> all = new TreeMap<>(TinyWan.transformer());
            change.accept(all);
            SafetensorsWriter.write(model.resolve(WEIGHTS), all, Map.of());
        };
    }

    private List<String> listing() throws IOException {
        try (Stream<Path> files = Files.walk(model)) {
            return files.map(file -> {
                        try {
                            return file + " " + Files.size(file) + " " + Files.getLastModifiedTime(file);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                    })
                    .sorted()
                    .toList();
        }
    }

    private CommandRun info() {
        return info(model);
    }

    private static CommandRun info(Path folder) {
        return CommandRun.of("info", "--model", folder, "--backend", "cpu", "--size", "16x24", "--frames", 5);
    }

    private CommandRun generate(Object... more) {
        Object[] start = {
            "generate",
            "a cat",
            "--model",
            model,
            "--backend",
            "cpu",
            "--precision",
            "f32",
            "-q",
            "--size",
            "16x24",
            "--frames",
            5,
            "--steps",
            1,
            "-o",
            output.resolve("out.mp4")
        };
        Object[] all = Arrays.copyOf(start, start.length + more.length);
        System.arraycopy(more, 0, all, start.length, more.length);
        return CommandRun.of(all);
    }

    private static CommandRun generate(Path folder, Path video) {
        return CommandRun.of(
                "generate",
                "a cat",
                "--model",
                folder,
                "--backend",
                "cpu",
                "--precision",
                "f32",
                "-q",
                "--size",
                "16x24",
                "--frames",
                5,
                "--steps",
                1,
                "-o",
                video);
    }
}
