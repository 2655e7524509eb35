package io.lingen.vae;

import java.util.ArrayList;
import java.util.List;

/**
 * The division of a video into tiles along time for decoding. Tiles have {@code latentFrames} latent frames and start every {@code
 * latentFrames - overlap}; the last one may be shorter.
 *
 * <p>At an edge inside the video, the outer {@code margin} latent frames of a tile only serve as context for their neighbors: their
 * decoded frames are discarded. The rest of an overlap, {@code overlap - 2 margin} latent frames, is blended linearly. With a margin of at
 * least the decoder's receptive radius, tiled decoding equals untiled decoding.
 *
 * @param latentFrames the length of a tile in latent frames, at least 1
 * @param overlap the latent frames that neighboring tiles share, at least twice the margin and less than {@code latentFrames}
 * @param margin the latent frames at an inner edge whose decoded frames are discarded, at least 0
 */
record TemporalTiling(int latentFrames, int overlap, int margin) {
    /**
     * Checks the lengths.
     *
     * @throws IllegalArgumentException if one is out of range, or if a frame would belong to more than two tiles
     */
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
     * {@return the tiles of a video, in order}
     *
     * @param latents the length of the video in latent frames, at least 1
     * @param framesPerLatent the number of frames per latent frame, at least 1
     * @throws IllegalArgumentException if an argument is below 1
     */
    public List<Tile> plan(int latents, int framesPerLatent) {
        if (latents < 1 || framesPerLatent < 1) {
            throw new IllegalArgumentException("video must have at least one latent frame of at least one frame, found "
                    + latents + " of " + framesPerLatent + " frames");
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

    /** {@return the weight of the later tile in frame {@code index} of the {@code count} frames that two tiles share} */
    static float laterWeight(int index, int count) {
        return (index + 1f) / (count + 1f);
    }

    /**
     * A tile and the use of its frames, which are counted from the start of the video.
     *
     * @param fromLatent the first latent frame
     * @param toLatent the latent frame after the last
     * @param keepFrom the first frame that is used
     * @param blendTo frames from {@code keepFrom} to here (exclusive) are blended with those carried over from the previous tile
     * @param finalTo frames up to here (exclusive) are final after this tile
     * @param carryTo frames from {@code finalTo} to here (exclusive) are carried over to the next tile
     */
    public record Tile(int fromLatent, int toLatent, int keepFrom, int blendTo, int finalTo, int carryTo) {
        /** {@return the length of the tile in latent frames} */
        public int latents() {
            return toLatent - fromLatent;
        }
    }
}
