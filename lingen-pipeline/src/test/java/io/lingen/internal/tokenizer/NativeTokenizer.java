package io.lingen.internal.tokenizer;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Map;

/** The Rust library through DJL: what the ids of the tokenizers in Java must equal. Aborts the JVM on some damaged files. */
final class NativeTokenizer implements AutoCloseable {
    private final HuggingFaceTokenizer tokenizer;

    NativeTokenizer(byte[] json) throws IOException {
        System.setProperty("OPT_OUT_TRACKING", "true");
        tokenizer = HuggingFaceTokenizer.newInstance(
                new ByteArrayInputStream(json),
                Map.of("addSpecialTokens", "true", "truncation", "false", "padding", "false"));
    }

    Encoding encode(String text) {
        return tokenizer.encode(text);
    }

    long[] ids(String text) {
        return encode(text).getIds();
    }

    /** Where in the text each token ends, in UTF-16 units; 0 for special tokens. */
    static int[] ends(String text, Encoding encoding) {
        return Arrays.stream(encoding.getCharTokenSpans())
                .mapToInt(span -> endOf(text, span))
                .toArray();
    }

    private static int endOf(String text, CharSpan span) {
        return span == null ? 0 : text.offsetByCodePoints(0, span.getEnd());
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
