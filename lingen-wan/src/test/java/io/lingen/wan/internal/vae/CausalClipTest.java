package io.lingen.wan.internal.vae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.wan.internal.vae.CausalClip.Window;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** The frames that layers keep from one piece to the next. */
final class CausalClipTest {
    private static final int HEIGHT = 40;
    private static final int WIDTH = 50;
    private static final int CHANNELS = 17;

    private final Object layer = new Object();

    /** Processes a piece whose frames have the values {@code frames}, and returns the value of every frame of its window. */
    private float[] piece(CausalClip clip, boolean last, float... frames) {
        Backend backend = clip.backend();
        int cells = HEIGHT * WIDTH * CHANNELS;
        clip.beginPiece(last);
        Window window = clip.window(layer, 2, Shape.of(frames.length, HEIGHT, WIDTH, CHANNELS));
        float[] values = new float[frames.length * cells];
        for (int t = 0; t < frames.length; t++) {
            Arrays.fill(values, t * cells, (t + 1) * cells, frames[t]);
        }
        backend.write(HostTensor.of(values, frames.length, HEIGHT, WIDTH, CHANNELS), window.frames());
        float[] found = backend.download(window.tensor()).toFloats();
        clip.keepAndFree(layer, window);
        clip.endPiece();
        float[] perFrame = new float[found.length / cells];
        for (int i = 0; i < found.length; i++) {
            perFrame[i / cells] = found[i];
            assertEquals(found[i / cells * cells], found[i], "all elements of a frame are equal");
        }
        return perFrame;
    }

    @Test
    void windowsBeginWithTheLastFramesOfThePiecesBefore() {
        try (Backend backend = WanVideoDecoderTest.open("cpu")) {
            try (CausalClip clip = new CausalClip(backend, DType.F32, Taps.NONE)) {
                assertTrue(clip.isFirstPiece());
                assertArrayEquals(new float[] {0, 0, 1}, piece(clip, false, 1));
                assertFalse(clip.isFirstPiece());
                assertArrayEquals(new float[] {0, 1, 2}, piece(clip, false, 2));
                assertArrayEquals(new float[] {1, 2, 3, 4, 5}, piece(clip, false, 3, 4, 5));
                assertArrayEquals(new float[] {4, 5, 6, 7}, piece(clip, true, 6, 7));
            }
            assertEquals(0, backend.memory().liveBytes());
        }
    }

    @Test
    void clipsOfOnePieceKeepNothing() {
        try (Backend backend = WanVideoDecoderTest.open("cpu");
                CausalClip clip = new CausalClip(backend, DType.F32, Taps.NONE)) {
            piece(clip, true, 1, 2, 3);
            assertEquals(0, backend.memory().liveBytes());
        }
    }

    @Test
    void noPieceFollowsAFailure() {
        try (Backend backend = WanVideoDecoderTest.open("cpu")) {
            try (CausalClip clip = new CausalClip(backend, DType.F32, Taps.NONE)) {
                clip.beginPiece(false);
                clip.allocate(Shape.of(3));
                String message = assertThrows(IllegalStateException.class, () -> clip.beginPiece(true))
                        .getMessage();
                assertTrue(message.contains("a piece of this clip failed"), message);
            }
            assertEquals(0, backend.memory().liveBytes(), "tensors of the failed piece are freed");
        }
    }

    @Test
    void zeroSetsEveryElement() {
        try (Backend backend = WanVideoDecoderTest.open("cpu");
                CausalClip clip = new CausalClip(backend, DType.BF16, Taps.NONE);
                Workspace workspace = backend.newWorkspace()) {
            for (int elements : new int[] {1, 16_384, 16_385, 100_003}) {
                Tensor tensor = workspace.allocate(DType.BF16, Shape.of(elements));
                backend.normal(1, tensor);
                clip.zero(tensor);
                assertArrayEquals(new float[elements], backend.download(tensor).toFloats());
            }
        }
    }
}
