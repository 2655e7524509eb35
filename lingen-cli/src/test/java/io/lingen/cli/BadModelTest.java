package io.lingen.cli;

import static io.lingen.cli.Damage.cut;
import static io.lingen.cli.Damage.folder;
import static io.lingen.cli.Damage.grown;
import static io.lingen.cli.Damage.remove;
import static io.lingen.cli.Damage.set;
import static io.lingen.cli.Damage.write;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.TinyModel;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Damaged, inconsistent and malicious models: each is rejected in a few lines, and no output file remains. */
class BadModelTest {
    private static final String INDEX = "model_index.json";
    private static final String DENOISER = "transformer/config.json";
    private static final String DECODER = "vae/config.json";
    private static final String ENCODER = "text_encoder/config.json";
    private static final String SCHEDULER = "scheduler/config.json";
    private static final String WEIGHTS = "transformer/model.safetensors";
    private static final String SHARDS = WEIGHTS + ".index.json";

    @TempDir
    private Path model;

    @TempDir
    private Path output;

    @BeforeEach
    void writeModel() throws IOException {
        TinyModel.write(model);
    }

    static Stream<Arguments> configurations() {
        return Stream.of(
                of("no index", remove(INDEX), "found no model_index.json"),
                of("foreign index", set(INDEX, "format", "\"diffusers\""), "found format \"diffusers\""),
                of("version from the future", set(INDEX, "version", "2"), "field 'version': found 2"),
                of("no rate", set(INDEX, "fps", null), "field 'fps': found nothing, expected an integer"),
                of("absurd rate", set(INDEX, "fps", "1000000000"), "field 'fps': found 1000000000"),
                of("folder above", set(INDEX, "components.vae", "\"../vae\""), "a relative path inside the model"),
                of("absolute folder", set(INDEX, "components.vae", "\"/etc\""), "a relative path inside the model"),
                of("folder that is not there", set(INDEX, "components.vae", "\"no\""), "found no no/config.json"),
                of("unencodable folder", set(INDEX, "components.vae", "\"v\\udfff\""), "v\\udfff"),
                of("no encoder", set(INDEX, "components.text_encoders", "[]"), "expected 1 text encoders"),
                of(
                        "encoders of another type",
                        set(INDEX, "components.text_encoders", "[1]"),
                        "found 1, expected a string"),
                of("size of nothing", set(INDEX, "native.width", "0"), "field 'native.width': found 0"),
                of("unknown field", set(INDEX, "\u001b[2J", "1"), "unknown field '\\u001b[2J'"),
                of("not JSON", write(DENOISER, "depth: 4"), "expected JSON"),
                of("empty configuration", write(DENOISER, ""), "expected a JSON object"),
                of("array", write(DENOISER, "[]"), "expected a JSON object, found []"),
                of("not UTF-8", write(DENOISER, new byte[] {'{', (byte) 0xFF}), "bytes that are not UTF-8"),
                of("deep", write(DENOISER, "{\"a\":".repeat(100_000)), "depth"),
                of("huge", write(DENOISER, new byte[2 << 20]), "at most 1048576 bytes"),
                of("twice", write(DENOISER, "{\"depth\":1,\"depth\":1}"), "uplicate"),
                of("pointer", write(DENOISER, "version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
                of("web page", write(DENOISER, "<!DOCTYPE html>"), "a web page"),
                of("no denoiser", remove(DENOISER), "found no transformer/config.json"),
                of("no depth", set(DENOISER, "depth", null), "field 'depth': found nothing"),
                of("depth as text", set(DENOISER, "depth", "\"4\""), "field 'depth': found \"4\""),
                of("absurd depth", set(DENOISER, "depth", "1000000000"), "found 1000000000"),
                of("deeper than its weights", set(DENOISER, "depth", "1024"), "expected a tensor 'blocks.4."),
                of("absurd width", set(DENOISER, "hidden_size", "1000000000"), "found 1000000000"),
                of("wider than its weights", set(DENOISER, "hidden_size", "65536"), "expected the shape [65536, 16]"),
                of("absurd grid", set(DENOISER, "max_grid", "[1000000000, 8, 8]"), "'max_grid[0]': found 1000000000"),
                of("larger than its tables", set(DENOISER, "max_grid", "[65536, 8, 8]"), "pos_embed.t"),
                of("windows of nothing", set(DENOISER, "tesa.window", "[0, 2, 2]"), "'tesa.window[0]': found 0"),
                of("chunks of nothing", set(DENOISER, "mamba.chunk_size", "0"), "'mamba.chunk_size': found 0"),
                of("heads that don't divide", set(DENOISER, "num_heads", "5"), "a divisor of hidden_size = 32"),
                of("unknown scan", set(DENOISER, "scan", "\"spiral\""), "found \"spiral\", expected one of"),
                of("misspelt", set(DENOISER, "dept", "1"), "unknown field 'dept'"),
                of("other channels", set(DECODER, "latent_channels", "1024"), "1024"),
                of("absurd widths", set(DECODER, "widths", "[1000000000, 8]"), "found 1000000000"),
                of("negative widths", set(DECODER, "widths", "[-4, 8]"), "found -4"),
                of("upsampling by nothing", set(DECODER, "upsample", "[[0, 1, 2]]"), "found 0"),
                of("deviation of nothing", set(DECODER, "latent_std", "[0, 1, 1, 1]"), "latent_std"),
                of("tile of nothing", set(DECODER, "tile.latent_frames", "0"), "'tile.latent_frames': found 0"),
                of("no scheduler", remove(SCHEDULER), "found no scheduler/config.json; copy them from"),
                of("no steps", set(SCHEDULER, "steps", "0"), "'steps': found 0"),
                of("absurd steps", set(SCHEDULER, "steps", "1000000000"), "'steps': found 1000000000"),
                of("unknown schedule", set(SCHEDULER, "schedule", "\"cubic\""), "found cubic, expected one of"),
                of("guidance as text", set(SCHEDULER, "guidance", "\"3\""), "found \"3\", expected a number"),
                of("eta above 1", set(SCHEDULER, "eta", "2"), "field 'eta': found 2"));
    }

    static Stream<Arguments> encoders() {
        return Stream.of(
                of(
                        "another width",
                        set(ENCODER, "width", "512"),
                        "found 512, expected 384, the denoiser's text_dims[0]"),
                of("absurd width", set(ENCODER, "width", "1000000000"), "found 1000000000"),
                of("no tokens", set(ENCODER, "max_tokens", "0"), "'max_tokens': found 0"),
                of("absurd tokens", set(ENCODER, "max_tokens", "1000000000"), "found 1000000000"),
                of("resource above", set(ENCODER, "model", "\"embedded:../x\""), "plain name of a resource"),
                of(
                        "resource that is not there",
                        set(ENCODER, "model", "\"embedded:x\""),
                        "on the class path, found none"),
                of("file above", set(ENCODER, "model", "\"../../x.onnx\""), "a relative path inside the model"),
                of("no file", set(ENCODER, "model", "\"x.onnx\""), "text_encoder/x.onnx"),
                of("empty file", onnx(new byte[0], "{}"), "text_encoder"),
                of("damaged file", onnx(new byte[] {8, 7, 18, 3, 'a'}, "{}"), "text_encoder"),
                of("pickled file", onnx(new byte[] {'P', 'K', 3, 4, 0, 0, 0, 0}, "{}"), "optimum-cli export onnx"),
                of(
                        "pointer",
                        onnx("version https://git-lfs.github.com/spec/v1\n".getBytes(StandardCharsets.UTF_8), "{}"),
                        "git lfs pull"),
                of("no tokenizer", onnx(new byte[] {8, 7}, null), "found no text_encoder/tokenizer.json"),
                of(
                        "damaged tokenizer",
                        onnx(new byte[] {8, 7}, "{\"version\": "),
                        "text_encoder/tokenizer.json: expected JSON"),
                of(
                        "deep tokenizer",
                        onnx(new byte[] {8, 7}, "{\"version\": " + "[".repeat(100_000)),
                        "text_encoder/tokenizer.json: expected JSON"),
                of(
                        "tokenizer of one letter less",
                        onnx(new byte[] {8, 7}, "{\"cleanup\": trux}"),
                        "text_encoder/tokenizer.json: expected JSON"),
                of(
                        "tokenizer without its separator",
                        onnx(
                                new byte[] {8, 7},
                                tokenizer("'single': [{'SpecialToken': {'id': '[SEP]', 'type_id': 0}}]")),
                        "'post_processor.single[0].SpecialToken.id': found [SEP]"),
                of(
                        "tokenizer with too many special tokens",
                        set(ENCODER, "max_tokens", "3")
                                .andThen(onnx(
                                        new byte[] {8, 7},
                                        tokenizer(
                                                "'single': [" + "{'SpecialToken': {'id': 'x', 'type_id': 0}},".repeat(3)
                                                        + "{'Sequence': {'id': 'A', 'type_id': 0}}]"))),
                        "expected fewer special tokens than the encoder's limit of 3 tokens, found 3"));
    }

    static Stream<Arguments> weights() {
        return Stream.of(
                of("no weights", remove(WEIGHTS), "expected a complete model, found no transformer/*.safetensors*"),
                of("a folder", remove(WEIGHTS).andThen(folder(WEIGHTS)), "found no transformer/*.safetensors*"),
                of(
                        "only a pickle",
                        remove(WEIGHTS).andThen(write("transformer/pytorch_model.bin", "PK\3\4")),
                        "found only a PyTorch checkpoint (pickles, which can run code"),
                of(
                        "only GGUF",
                        remove(WEIGHTS).andThen(write("transformer/model-Q5_K_M.gguf", "GGUF")),
                        "found only a GGUF file of quantized weights; use"),
                of("GGUF", write(WEIGHTS, "GGUF\3\0\0\0"), "found a GGUF file of quantized weights; use"),
                of("empty", write(WEIGHTS, ""), "at least 8 bytes, found 0"),
                of("cut in the length", cut(WEIGHTS, 7), "at least 8 bytes, found 7"),
                of("cut in the header", cut(WEIGHTS, 100), "check that it is a complete safetensors file"),
                of("cut in the data", cut(WEIGHTS, 400_000), "check that the file is complete"),
                of("grown", grown(WEIGHTS), "found 1 bytes more"),
                of(
                        "absurd length",
                        write(WEIGHTS, header(Long.MAX_VALUE, "{}")),
                        "found a length of 9223372036854775807"),
                of("negative length", write(WEIGHTS, header(-1, "{}")), "found a length of 18446744073709551615"),
                of("no JSON", write(WEIGHTS, header(4, "{ab}")), "expected JSON"),
                of("deep", write(WEIGHTS, header("{\"a\":" + "[".repeat(100_000))), "depth"),
                of("twice", write(WEIGHTS, header("{\"a\":{},\"a\":{}}")), "uplicate"),
                of("negative shape", tensor("F32", "[-1]", "[0,4]"), "a shape of lengths from 0"),
                of("overflowing shape", tensor("F32", "[4294967296,4294967296]", "[0,4]"), "a possible shape"),
                of("reversed", tensor("F32", "[1]", "[4,0]"), "found [4,0]"),
                of("out of range", tensor("F32", "[2]", "[0,8]"), "check that the file is complete"),
                of("gap", tensor("U8", "[2]", "[2,4]"), "a gap"),
                of(
                        "overlap",
                        write(
                                WEIGHTS,
                                header("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                                        + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}____")),
                        "an overlap"),
                of("unknown type", tensor("F4", "[4]", "[0,4]"), "convert it to F32, F16 or BF16"),
                of("fp8", tensor("F8_E4M3", "[4]", "[0,4]"), "found an fp8-scaled checkpoint; use"),
                of(
                        "scales of fp8",
                        tensors(all -> all.put("final.linear.scale_weight", filled(1, 1))),
                        "tensor 'final.linear.scale_weight': expected weights of F32, F16 or BF16, found an fp8-scaled"),
                of(
                        "name of escapes",
                        write(WEIGHTS, header("{\"\\u001b[2J" + "x".repeat(40_000) + "\":1}")),
                        "'\\u001b[2Jxxx"),
                of("zip", write(WEIGHTS, "PK\3\4archive/data.pkl"), "save_file"),
                of(
                        "pickle",
                        write(WEIGHTS, new byte[] {(byte) 0x80, 2, 'c', 'o', 's', '\n', 's', 'y', 's', 't'}),
                        "save_file"),
                of("pointer", write(WEIGHTS, "version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
                of(
                        "missing tensor",
                        tensors(all -> all.remove("final.linear.bias")),
                        "expected a tensor 'final.linear.bias'"),
                of(
                        "extra tensor",
                        tensors(all -> all.put("\u001b[2Jx", HostTensor.of(new float[1], 1))),
                        "does not use: \\u001b[2Jx"),
                of(
                        "other shape",
                        tensors(all -> all.put("pos_embed.t", HostTensor.of(new float[32], 1, 32))),
                        "found [1, 32]"),
                of(
                        "other type",
                        tensors(all -> all.put("pos_embed.t", integers(8, 32))),
                        "expected weights of F32, F16 or BF16, found I32"),
                of(
                        "NaN",
                        tensors(all -> all.put("pos_embed.t", filled(Float.NaN, 8, 32))),
                        "'pos_embed.t': expected finite weights"),
                of(
                        "infinity",
                        tensors(all -> all.put("final.linear.bias", filled(-1 / 0f, 16))),
                        "'final.linear.bias': expected finite weights"),
                of("shard above", shard("\"../../x.safetensors\""), "the plain name of a file next to the index"),
                of("absolute shard", shard("\"/etc/passwd\""), "the plain name of a file next to the index"),
                of("shard that is none", shard("[1]"), "found [1]"),
                of("missing shard", shard("\"x.safetensors\""), "found no transformer/x.safetensors"),
                of(
                        "shard of others",
                        shard("\"y.safetensors\"").andThen(write("transformer/y.safetensors", header("{}"))),
                        "found no such tensor there"),
                of("sum of another", write("SHA256SUMS", "0".repeat(64) + "  model_index.json\n"), "SHA256SUMS"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource({"configurations", "encoders", "weights"})
    void damagedModelsAreRejected(String name, Consumer<Path> damage, String message) throws IOException {
        damage.accept(model);
        CommandRun.of("generate", "a ring", "--model", model, "-o", output.resolve("out.mp4"), "--backend", "cpu", "-q")
                .assertRefused(1, message);
        try (Stream<Path> files = Files.list(output)) {
            assertEquals(List.of(), files.toList());
        }
    }

    private static Arguments of(String name, Consumer<Path> damage, String message) {
        return Arguments.of(name, damage, message);
    }

    private static Consumer<Path> onnx(byte[] onnx, String tokenizer) {
        Consumer<Path> damage =
                set(ENCODER, "model", "\"encoder.onnx\"").andThen(write("text_encoder/encoder.onnx", onnx));
        return tokenizer == null ? damage : damage.andThen(write("text_encoder/tokenizer.json", tokenizer));
    }

    /** A tokenizer with one token and a template. */
    private static String tokenizer(String template) {
        return ("{'post_processor': {'type': 'TemplateProcessing', 'special_tokens': {'x': {'ids': [0], 'tokens': ['x']}}, "
                        + template + "}, 'model': {'type': 'BPE', 'vocab': {'x': 0}, 'merges': []}}")
                .replace('\'', '"');
    }

    private static Consumer<Path> shard(String name) {
        return remove(WEIGHTS).andThen(write(SHARDS, "{\"weight_map\":{\"pos_embed.t\":" + name + "}}"));
    }

    private static byte[] header(String json) {
        return header(json.replace("____", "").length(), json);
    }

    private static byte[] header(long length, String json) {
        byte[] content = json.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + content.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(content)
                .array();
    }

    private static Damage tensor(String dtype, String shape, String offsets) {
        return write(
                WEIGHTS,
                header("{\"a\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets
                        + "}}____"));
    }

    private static Damage tensors(Consumer<Map<String, HostTensor>> change) {
        return model -> {
            Map<String, HostTensor> all = new HashMap<>();
            try (SafetensorsFile file = SafetensorsFile.open(model.resolve(WEIGHTS))) {
                file.names().forEach(name -> all.put(name, file.tensor(name)));
            }
            change.accept(all);
            SafetensorsWriter.write(model.resolve(WEIGHTS), all, Map.of());
        };
    }

    private static HostTensor integers(long... lengths) {
        HostTensor floats = filled(0, lengths);
        return new HostTensor(DType.I32, floats.shape(), floats.memory());
    }

    /** Zeros with one given value in the middle. */
    private static HostTensor filled(float value, long... lengths) {
        float[] values = new float[(int) Arrays.stream(lengths).reduce(1, (a, b) -> a * b)];
        values[values.length / 2] = value;
        return HostTensor.of(values, lengths);
    }
}
