package io.lingen.internal.tokenizer;

import io.lingen.core.checkpoint.CheckpointException;
import io.lingen.core.mutation.Mutations;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Random damage to tokenizer.json: it is rejected, or gives a tokenizer that encodes every text. */
class TokenizerMutationTest {
    private static final long FIXED_BYTES = 32L << 20;
    private static final List<String> TEXTS = new RandomTexts(4).take(20);

    static Stream<Arguments> files() {
        String blanks = "{'type':'Replace','pattern':{'Regex':'\\\\s+(?!\\\\S)| {2,}'},'content':'▁'}";
        String level = "{'type':'ByteLevel','add_prefix_space':true,'trim_offsets':true}";
        return Stream.of(
                Arguments.of("MiniLM", TokenizerFiles.miniLm()),
                Arguments.of("T5", TokenizerFiles.t5()),
                Arguments.of("Gemma", TokenizerFiles.gemma()),
                Arguments.of("bytes", TokenizerFiles.bytes(blanks, TokenizerFiles.METASPACE)),
                Arguments.of("GPT-2", TokenizerFiles.bpe("{'type':'NFC'}", level, "'fuse_unk':false", false, true)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("files")
    void damagedTokenizersAreReadOrRejected(String name, byte[] good) throws Exception {
        int settings = new String(good, StandardCharsets.ISO_8859_1).indexOf("\"vocab\"");
        mutations(name).run(good, settings, 0.3);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("files")
    void damagedTablesAreReadOrRejected(String name, byte[] good) throws Exception {
        mutations(name + " tables").run(good, 0.2);
    }

    private static Mutations mutations(String name) {
        return new Mutations("tokenizer.json of " + name, FIXED_BYTES, Set.of(CheckpointException.class), damaged -> {
            Tokenizer tokenizer = TokenizerReader.read("tokenizer.json", damaged);
            TEXTS.forEach(tokenizer::encode);
        });
    }
}
