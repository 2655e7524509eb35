package io.lingen.internal.text;

import io.lingen.core.HostTensor;
import io.lingen.core.Taps;
import io.lingen.text.TextEncoder.Progress;
import java.util.List;

/** A text encoder with access to tokens and intermediate results, for comparing it with its reference. */
public interface TokenEncoder extends AutoCloseable {
    /**
     * {@return the token ids of a text, without normalization}
     *
     * @param text the text
     */
    long[] tokenIds(String text);

    /**
     * Encodes token ids.
     *
     * @param prompts the token ids of each prompt, at least one each
     * @param taps receives intermediate results of the first prompt
     * @param progress receives the number of layers done
     * @return the hidden states [n, width] of each prompt, in F32
     */
    List<HostTensor> encode(List<long[]> prompts, Taps taps, Progress progress);

    @Override
    void close();
}
