package io.lingen.vae;

import java.util.ArrayList;
import java.util.List;

/**
 * How a clip is cut along time for decoding: tiles of {@code latentFrames} latents, each starting {@code latentFrames - overlap} after the
 * one before; the last may be shorter. At an edge inside the clip a tile's outer {@code margin} latents are decoded for their neighbours'
 * sake only and their frames thrown away; what remains of an overlap, {@code overlap - 2 margin} latents, is blended linearly.
 *
 * <p>With a margin of at least the decoder's receptive radius, tiled equals untiled.
 *
 * @param latentFrames a tile's length in latents, at least 1
 * @param overlap the latents that neighbouring tiles share, at least twice the margin, less than {@code latentFrames}
 * @param margin the latents at an inner edge whose frames are thrown away, at least 0
 */
public record TemporalTiling(int latentFrames, int overlap, int margin) {
    public TemporalTiling {
        if (latentFrames < 1) {
            throw new IllegalArgumentException("latent_frames: found " + latentFrames + ", expected at least 1");
        }
        if (margin < 0) {
            throw new IllegalArgumentException("margin: found " + margin + ", expected at least 0");
        }
        if (overlap < 2L * margin || overlap >= latentFrames) {
            throw new IllegalArgumentException("overlap: found " + overlap + ", expected at least twice the margin ("
                    + 2L * margin + ") and less than latent_frames (" + latentFrames + ")");
        }
        if (2L * (overlap - margin) > latentFrames) {
            throw new IllegalArgumentException("overlap: found " + overlap + ", expected at most "
                    + (latentFrames / 2 + margin) + " with latent_frames " + latentFrames + " and margin " + margin
                    + ", so that no frame belongs to more than two tiles");
        }
    }

    /**
     * The tiles of a clip, in order.
     *
     * @param latents the clip's length in latents, at least 1
     * @param framesPerLatent the frames that one latent becomes, at least 1
     */
    public List<Tile> plan(int latents, int framesPerLatent) {
        if (latents < 1 || framesPerLatent < 1) {
            throw new IllegalArgumentException("a clip has at least one latent and a latent at least one frame, found "
                    + latents + " latents of " + framesPerLatent + " frames");
        }
        List<Tile> tiles = new ArrayList<>();
        int step = latentFrames - overlap;
        int from = 0;
        while (true) {
            int to = Math.min(latents, from + latentFrames);
            boolean first = from == 0;
            boolean last = to == latents;
            int keepFrom = first ? 0 : from + margin;
            int blendTo = first ? 0 : from + overlap - margin;
            int finalTo = last ? latents : from + step + margin;
            int carryTo = last ? latents : to - margin;
            tiles.add(new Tile(
                    from,
                    to,
                    keepFrom * framesPerLatent,
                    blendTo * framesPerLatent,
                    finalTo * framesPerLatent,
                    carryTo * framesPerLatent));
            if (last) {
                return List.copyOf(tiles);
            }
            from += step;
        }
    }

    /** The weight of the later tile in frame {@code index} of {@code count} frames that two tiles share. */
    static float laterWeight(int index, int count) {
        return (index + 1f) / (count + 1f);
    }

    /**
     * A tile and what becomes of its frames; frames are counted from the clip's start.
     *
     * @param fromLatent its first latent
     * @param toLatent the latent after its last
     * @param keepFrom the first frame that is used
     * @param blendTo frames {@code keepFrom} to here (exclusive) are blended with those that the tile before carried over
     * @param finalTo frames up to here (exclusive) are final after this tile
     * @param carryTo frames {@code finalTo} to here (exclusive) are carried over to the next tile
     */
    public record Tile(int fromLatent, int toLatent, int keepFrom, int blendTo, int finalTo, int carryTo) {
        /** The tile's length in latents. */
        public int latents() {
            return toLatent - fromLatent;
        }
    }
}
