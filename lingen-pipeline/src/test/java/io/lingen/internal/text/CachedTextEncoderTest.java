package io.lingen.internal.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsFile;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.core.internal.PhiloxNormal;
import io.lingen.diffusion.TextEmbedding;
import io.lingen.internal.text.CachedTextEncoder.Identity;
import io.lingen.text.TextEncoder;
import io.lingen.text.TextEncoder.Progress;
import io.lingen.text.TextEncoder.Prompt;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CachedTextEncoderTest {
    private static final Identity IDENTITY = new Identity("ab12", "cpu", DType.BF16);

    @TempDir
    private Path temporary;

    private final Letters letters = new Letters();

    /** An encoder with a row of random numbers per letter, and weights of 0 except for the last letter. Negative prompts have other numbers. */
    private static final class Letters implements TextEncoder {
        private final List<List<Prompt>> calls = new ArrayList<>();
        private String instruction = "";

        @Override
        public String name() {
            return "letters";
        }

        @Override
        public int width() {
            return 5;
        }

        @Override
        public int maxTokens() {
            return 40;
        }

        @Override
        public String normalize(Prompt prompt) {
            String text = prompt.text().strip().toLowerCase(Locale.ROOT);
            return prompt.negative() ? text : instruction + text;
        }

        @Override
        public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
            calls.add(prompts);
            return prompts.stream()
                    .map(prompt -> embedding(normalize(prompt), prompt.negative()))
                    .toList();
        }

        private static TextEmbedding embedding(String text, boolean negative) {
            float[] values = new float[5 * (text.length() + 1)];
            PhiloxNormal.fill(text.hashCode(), negative ? 4 : 0, values, 0, values.length);
            float[] weights = new float[text.length() + 1];
            weights[text.length()] = 1;
            return new TextEmbedding(
                    HostTensor.of(values, weights.length, 5),
                    text.length() % 2 == 0 ? null : HostTensor.of(weights, weights.length));
        }

        @Override
        public void close() {}
    }

    @Test
    void promptsAreEncodedOnce() {
        List<Prompt> prompts = List.of(Prompt.of("a ring"), Prompt.negative("noise"), Prompt.of(""));
        assertEncoded(prompts, IDENTITY);
        assertEquals(List.of(prompts), letters.calls, "together");
        assertEncoded(prompts, IDENTITY);
        assertEncoded(List.of(Prompt.of("  A RING ")), IDENTITY);
        assertEquals(List.of(prompts), letters.calls, "not again");
    }

    @Test
    void onlyMissingPromptsAreEncoded() {
        assertEncoded(List.of(Prompt.of("a ring")), IDENTITY);
        Prompt fresh = Prompt.of("a star");
        assertEncoded(List.of(fresh, Prompt.of("a ring"), fresh), IDENTITY);
        assertEquals(List.of(fresh), letters.calls.get(1));
    }

    @Test
    void embeddingsBelongToTheInstructionOfTheirPrompt() {
        List<Prompt> prompts = List.of(Prompt.of("a ring"), Prompt.negative("noise"));
        assertEncoded(prompts, IDENTITY);
        letters.instruction = "describe ";
        assertEncoded(prompts, IDENTITY);
        assertEquals(List.of(Prompt.of("a ring")), letters.calls.get(1));
    }

    @Test
    void embeddingsAreFoundByAllPartsOfTheKey() {
        assertEncoded(List.of(Prompt.of("a ring")), IDENTITY);
        assertEncoded(List.of(Prompt.negative("a ring")), IDENTITY);
        assertEncoded(List.of(Prompt.of("a rings")), IDENTITY);
        assertEncoded(List.of(Prompt.of("a ring")), new Identity("ab13", "cpu", DType.BF16));
        assertEncoded(List.of(Prompt.of("a ring")), new Identity("ab12", "cuda", DType.BF16));
        assertEncoded(List.of(Prompt.of("a ring")), new Identity("ab12", "cpu", DType.F32));
        assertEquals(6, letters.calls.size());
        assertEquals(6, files().size());
    }

    @Test
    void damagedFilesAreEncodedAgainAndReplaced() throws IOException {
        Prompt prompt = Prompt.of("a ring");
        assertEncoded(List.of(prompt), IDENTITY);
        Path file = files().get(0);
        byte[] whole = Files.readAllBytes(file);
        for (int damage = 0; damage < 4; damage++) {
            byte[] bytes = whole.clone();
            switch (damage) {
                case 0:
                    bytes = Arrays.copyOf(whole, whole.length - 1);
                    break;
                case 1:
                    bytes[whole.length - 2] ^= 1;
                    break;
                case 2:
                    bytes[9] ^= 0x20;
                    break;
                default:
                    bytes = new byte[0];
            }
            Files.write(file, bytes);
            int calls = letters.calls.size();
            assertEncoded(List.of(prompt), IDENTITY);
            assertEquals(calls + 1, letters.calls.size(), "damage " + damage);
            assertArrayEquals(whole, Files.readAllBytes(file), "damage " + damage);
        }
    }

    @Test
    void filesOfOtherContentsAreEncodedAgain() throws IOException {
        Prompt prompt = Prompt.of("a ring");
        assertEncoded(List.of(prompt), IDENTITY);
        Path file = files().get(0);
        Map<String, String> metadata;
        Map<String, HostTensor> tensors = new HashMap<>();
        try (SafetensorsFile kept = SafetensorsFile.open(file)) {
            metadata = new HashMap<>(kept.metadata());
            kept.names().forEach(name -> tensors.put(name, kept.tensor(name)));
        }
        List<Runnable> changes = List.of(
                () -> metadata.put("prompt", "another ring"),
                () -> metadata.remove("sha256"),
                () -> tensors.put("tokens", HostTensor.of(new float[12], 3, 4)),
                () -> tensors.put("tokens", HostTensor.of(new float[5 * 41], 41, 5)),
                () -> tensors.put("more", HostTensor.of(new float[5], 1, 5)),
                tensors::clear);
        byte[] whole = Files.readAllBytes(file);
        Map<String, String> wholeMetadata = Map.copyOf(metadata);
        Map<String, HostTensor> wholeTensors = Map.copyOf(tensors);
        for (Runnable change : changes) {
            metadata.putAll(wholeMetadata);
            tensors.clear();
            tensors.putAll(wholeTensors);
            change.run();
            SafetensorsWriter.write(file, tensors, metadata);
            int calls = letters.calls.size();
            assertEncoded(List.of(prompt), IDENTITY);
            assertEquals(calls + 1, letters.calls.size());
            assertArrayEquals(whole, Files.readAllBytes(file));
        }
    }

    @Test
    void unusableFoldersAreIgnored() throws IOException {
        Files.writeString(folder(), "a file");
        assertEncoded(List.of(Prompt.of("a ring")), IDENTITY);
        assertEncoded(List.of(Prompt.of("a ring")), IDENTITY);
        assertEquals(2, letters.calls.size());
    }

    @Test
    void malformedTextIsKept() {
        assertEncoded(List.of(Prompt.of("a \ud800 ring\u0000\n\u2028")), IDENTITY);
        assertEncoded(List.of(Prompt.of("a \ud800 ring\u0000\n\u2028")), IDENTITY);
        assertEquals(1, letters.calls.size());
    }

    @Test
    void failuresOfTheEncoderLeaveNothing() {
        TextEncoder failing = new CachedTextEncoder(new Failing(), folder(), () -> IDENTITY);
        assertThrows(IllegalStateException.class, () -> failing.encode(List.of(Prompt.of("a")), Progress.NONE));
        assertFalse(Files.exists(folder()));
    }

    private static final class Failing implements TextEncoder {
        @Override
        public String name() {
            return "failing";
        }

        @Override
        public int width() {
            return 1;
        }

        @Override
        public int maxTokens() {
            return 1;
        }

        @Override
        public List<TextEmbedding> encode(List<Prompt> prompts, Progress progress) {
            throw new IllegalStateException("failed");
        }

        @Override
        public void close() {}
    }

    private void assertEncoded(List<Prompt> prompts, Identity identity) {
        List<TextEmbedding> found =
                new CachedTextEncoder(letters, folder(), () -> identity).encode(prompts, Progress.NONE);
        assertEquals(prompts.size(), found.size());
        for (int i = 0; i < prompts.size(); i++) {
            Prompt prompt = prompts.get(i);
            TextEmbedding expected = Letters.embedding(letters.normalize(prompt), prompt.negative());
            assertArrayEquals(
                    expected.tokens().toFloats(), found.get(i).tokens().toFloats());
            assertEquals(expected.tokens().shape(), found.get(i).tokens().shape());
            assertEquals(expected.weights() == null, found.get(i).weights() == null);
            if (expected.weights() != null) {
                assertArrayEquals(
                        expected.weights().toFloats(), found.get(i).weights().toFloats());
            }
        }
    }

    private Path folder() {
        return temporary.resolve("prompts");
    }

    private List<Path> files() {
        try (Stream<Path> files = Files.list(folder())) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
