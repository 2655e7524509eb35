package io.lingen.wan.internal.vae;

import io.lingen.core.Shape;
import io.lingen.core.Taps;
import io.lingen.core.Tensor;
import io.lingen.core.Workspace;
import io.lingen.core.backend.Backend;
import io.lingen.core.op.Grid;
import io.lingen.vae.FrameStream;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The frames of a video, decoded piece by piece on demand. Holds the latents, the frames that layers keep between pieces, and the frames of
 * one piece; only the latents grow with the video's length.
 */
final class PieceFrames extends FrameStream {
    private final WanVideoDecoder decoder;
    private final Backend backend;
    private final Tensor latents;
    private final long pieceLength;
    private final Workspace memory;
    private final CausalClip clip;
    private @Nullable Workspace pieceMemory;
    private @Nullable Tensor pieceFrames;
    private long latentsDone;
    private int firstOfPiece;
    private int endOfPiece;

    /**
     * Creates a stream at the first frame.
     *
     * @param latents [T, H, W, C]
     * @param pieceLength the number of latent frames per piece
     * @param memory owns the latents; this stream closes it
     */
    PieceFrames(WanVideoDecoder decoder, Tensor latents, int pieceLength, Workspace memory, Guard guard) {
        super(decoder.backend(), sizeOf(decoder, latents.shape()), guard);
        this.decoder = decoder;
        this.backend = decoder.backend();
        this.latents = latents;
        this.pieceLength = pieceLength;
        this.memory = memory;
        this.clip = decoder.newClip(Taps.NONE);
    }

    private static Grid sizeOf(WanVideoDecoder decoder, Shape latents) {
        return decoder.framesOf(new Grid(
                Math.toIntExact(latents.length(0)),
                Math.toIntExact(latents.length(1)),
                Math.toIntExact(latents.length(2))));
    }

    @Override
    protected Tensor take(int index) {
        if (index == endOfPiece) {
            decodeNextPiece();
        }
        int frame = index - firstOfPiece;
        return Objects.requireNonNull(pieceFrames).slice(frame, frame + 1);
    }

    private void decodeNextPiece() {
        closePiece();
        long length = latents.shape().length(0);
        long end = Math.min(length, latentsDone + pieceLength);
        pieceMemory = backend.newWorkspace();
        pieceFrames = decoder.decodePiece(latents.slice(latentsDone, end), end == length, clip, pieceMemory);
        latentsDone = end;
        firstOfPiece = endOfPiece;
        endOfPiece += Math.toIntExact(pieceFrames.shape().length(0));
    }

    private void closePiece() {
        pieceFrames = null;
        if (pieceMemory != null) {
            pieceMemory.close();
            pieceMemory = null;
        }
    }

    @Override
    protected void free() {
        closePiece();
        clip.close();
        memory.close();
    }
}
