package io.lingen.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.TinyModel;
import io.lingen.VideoProvenance;
import io.lingen.VideoRequest;
import io.lingen.video.VideoWriters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Reproduction of videos with {@code --like}, with a tiny model of random weights. */
class RecordedVideoTest {
    @TempDir
    static Path models;

    private static Path model;
    private static Path original;

    @TempDir
    Path folder;

    @BeforeAll
    static void makeOriginal() throws IOException {
        model = TinyModel.write(Files.createDirectory(models.resolve("tiny")));
        original = models.resolve("original.mp4");
        CommandRun made = generate(
                "a \"red\" ring",
                "-o",
                original,
                "--size",
                "16x24",
                "--seconds",
                0.5,
                "--fps",
                8,
                "--steps",
                2,
                "--guidance",
                2.5,
                "--schedule",
                "shifted:2",
                "--negative",
                "noise",
                "--seed",
                -7,
                "--backend",
                "cpu",
                "--precision",
                "f32");
        assertEquals(0, made.code(), made.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"original.mp4", "original.json"})
    void likeReproducesTheVideo(String like) throws IOException {
        Path again = folder.resolve("again.mp4");
        CommandRun made = generate("--like", models.resolve(like), "-o", again);
        assertEquals(0, made.code(), made.err());
        assertEquals(-1, Files.mismatch(original, again));
        assertFalse(made.err().contains("warning"), made.err());
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring.webm", "ring.webp", "ring.gif", "ring"})
    void allFormatsContainTheProvenance(String name) throws IOException {
        Path other = folder.resolve(name);
        assertEquals(0, generate("--like", original, "-o", other).code());
        Path again = folder.resolve("again.mp4");
        assertEquals(0, generate("--like", other, "-o", again).code());
        assertEquals(-1, Files.mismatch(original, again));
    }

    @Test
    void optionsOverrideSingleFields() throws IOException {
        Path other = folder.resolve("other.mp4");
        CommandRun made = generate("a blue ring", "--like", original, "-o", other, "--frames", 8, "--seed", 1);
        assertEquals(0, made.code(), made.err());
        VideoRequest then = provenance(original).request();
        assertEquals(
                then.toBuilder().prompt("a blue ring").frames(8).seed(1).build(),
                provenance(other).request());
        assertEquals(
                0, generate("--like", original, "-o", other, "--seconds", 1.5).code());
        assertEquals(12, provenance(other).request().frames());
    }

    @Test
    void anotherPrecisionCausesAWarning() {
        CommandRun made = generate("--like", original, "-o", folder.resolve("other.mp4"), "--precision", "bf16");
        assertEquals(0, made.code(), made.err());
        assertTrue(
                made.err().contains("warning    " + original + " was made with precision f32, found bf16"), made.err());
    }

    @Test
    void anotherVersionCausesAWarning() throws IOException {
        // Classes call themselves "development", the jar of a whole build has its version.
        String tag = VideoWriters.comment(original);
        Path old = tampered(tag.substring(0, tag.indexOf(',')), "{\"lingen\":\"0.0.1\"");
        CommandRun made = generate("--like", old, "-o", folder.resolve("other.mp4"), "--frames", 4);
        assertEquals(0, made.code(), made.err());
        assertTrue(made.err().contains(old + " was made with version 0.0.1, found "), made.err());
    }

    @Test
    void unavailableBackendIsReplacedWithAWarning() throws IOException {
        Path other = tampered("\"backend\":\"cpu\"", "\"backend\":\"abacus\"");
        CommandRun made = generate("--like", other, "-o", folder.resolve("other.mp4"), "--frames", 4);
        assertEquals(0, made.code(), made.err());
        assertTrue(made.err().contains(other + " was made with backend abacus, found cpu"), made.err());
    }

    @Test
    void anotherModelIsRejectedUnlessNamed() throws IOException {
        String hash = provenance(original).modelHash();
        Path other = tampered(hash, "00" + hash.substring(2));
        CommandRun named = generate("--like", other, "-o", folder.resolve("other.mp4"), "--frames", 4);
        assertEquals(0, named.code(), named.err());
        assertTrue(named.err().contains(other + " was made with model hash 00"), named.err());

        Path nano = tampered("\"model\":\"tiny\"", "\"model\":\"nano\"");
        CommandRun refused = CommandRun.of(
                "generate", "--like", nano, "-o", folder.resolve("out.mp4"), "--size", "32x32", "--frames", 8);
        assertEquals(1, refused.code(), refused.err());
        assertTrue(refused.err().contains("expected the recorded model 'nano' with SHA-256 " + hash), refused.err());
        assertFalse(Files.exists(folder.resolve("out.mp4")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"steps\":2 | \"steps\":1000000000 | number of steps must be 1 to 10000, found 1000000000",
                "\"width\":16 | \"width\":1073741824 | width must be a multiple of 4 up to 32, found 1073741824",
                "\"frames\":4 | \"frames\":2147483647 | number of frames must be a multiple of 4 up to 32",
                "\"fps\":8 | \"fps\":1e3 | field 'request.fps'",
                "\"guidance\":2.5 | \"guidance\":-1 | field 'request.guidance'",
                "shifted:2 | shifted:0 | shift of a schedule must be a positive number",
                "\"precision\":\"f32\" | \"precision\":\"f16\" | precision must be bf16 or f32, found 'f16'",
                "\"seed\" | \"exec\":1,\"seed\" | unknown field 'request.exec'",
            })
    void tamperedProvenanceIsRejected(String found, String replacement, String message) throws IOException {
        CommandRun refused = generate("--like", tampered(found, replacement), "-o", folder.resolve("out.mp4"));
        assertEquals(2, refused.code(), refused.err());
        assertTrue(refused.err().contains(message), refused.err());
        assertFalse(Files.exists(folder.resolve("out.mp4")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"../tiny", "/etc", "elsewhere", ".", ""})
    void recordedModelMustBeAName(String name) throws IOException {
        Path tag = tampered("\"model\":\"tiny\"", "\"model\":\"" + name + "\"");
        CommandRun refused = CommandRun.of("generate", "--like", tag, "-o", folder.resolve("out.mp4"));
        assertEquals(2, refused.code(), refused.err());
        assertTrue(refused.err().contains("use --model DIR"), refused.err());
    }

    @Test
    void otherFilesAreRejected() throws IOException {
        Path text = Files.writeString(folder.resolve("notes.txt"), "made with love");
        assertEquals(1, generate("--like", text).code());
        assertEquals(1, generate("--like", folder.resolve("none.mp4")).code());
        assertEquals(
                2,
                generate("--like", Files.writeString(folder.resolve("x.json"), "{}"))
                        .code());
        CommandRun large = generate("--like", Files.write(folder.resolve("large.json"), new byte[3 << 20]));
        assertEquals(1, large.code());
        assertTrue(large.err().contains("at most 2097152 bytes, found more"), large.err());
    }

    private Path tampered(String found, String replacement) throws IOException {
        String tag = VideoWriters.comment(original);
        assertTrue(tag.contains(found), tag);
        return Files.writeString(folder.resolve("tampered.json"), tag.replace(found, replacement));
    }

    private static VideoProvenance provenance(Path video) throws IOException {
        return VideoProvenance.parse(video.toString(), VideoWriters.comment(video));
    }

    private static CommandRun generate(Object... arguments) {
        Object[] all = new Object[arguments.length + 3];
        all[0] = "generate";
        all[1] = "--model";
        all[2] = model;
        System.arraycopy(arguments, 0, all, 3, arguments.length);
        return CommandRun.of(all);
    }
}
