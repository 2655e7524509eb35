package io.lingen.vae;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lingen.vae.TemporalTiling.Tile;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TemporalTilingTest {
    @Test
    void oneMinuteHas67Tiles() {
        List<Tile> tiles = new TemporalTiling(4, 2, 0).plan(136, 8);
        assertEquals(67, tiles.size());
        assertEquals(new Tile(0, 4, 0, 0, 16, 32), tiles.get(0));
        assertEquals(new Tile(2, 6, 16, 32, 32, 48), tiles.get(1));
        assertEquals(new Tile(132, 136, 1056, 1072, 1088, 1088), tiles.get(66));
    }

    @Test
    void marginIsDiscarded() {
        assertEquals(
                List.of(new Tile(0, 6, 0, 0, 8, 10), new Tile(3, 7, 8, 10, 14, 14)),
                new TemporalTiling(6, 3, 1).plan(7, 2));
    }

    /** For every small video and tiling, the weights of each frame come from one or two tiles and sum to one. */
    @Test
    void everyFrameIsCoveredOnce() {
        int plans = 0;
        for (int tile = 1; tile <= 9; tile++) {
            for (int overlap = 0; overlap < tile; overlap++) {
                for (int margin = 0; 2 * margin <= overlap; margin++) {
                    if (2 * (overlap - margin) > tile) {
                        continue;
                    }
                    TemporalTiling tiling = new TemporalTiling(tile, overlap, margin);
                    for (int latents = 1; latents <= 25; latents++) {
                        for (int frames = 1; frames <= 8; frames += 3) {
                            check(tiling, latents, frames);
                            plans++;
                        }
                    }
                }
            }
        }
        assertTrue(plans > 3000, "found " + plans + " plans");
    }

    private static void check(TemporalTiling tiling, int latents, int frames) {
        String plan = tiling + ", " + latents + " latents of " + frames;
        double[] weights = new double[latents * frames];
        int done = 0;
        int carriedFrom = 0;
        int carriedTo = 0;
        List<Tile> tiles = tiling.plan(latents, frames);
        for (int i = 0; i < tiles.size(); i++) {
            Tile tile = tiles.get(i);
            assertTrue(tile.latents() >= 1 && tile.latents() <= tiling.latentFrames(), plan);
            assertEquals(i * (tiling.latentFrames() - tiling.overlap()), tile.fromLatent(), plan);
            int innerMargin = tiling.margin() * frames;
            int first = tile.fromLatent() * frames + (i == 0 ? 0 : innerMargin);
            int end = tile.toLatent() * frames - (i == tiles.size() - 1 ? 0 : innerMargin);
            assertTrue(tile.keepFrom() >= first && tile.carryTo() <= end, plan);
            assertEquals(done, tile.keepFrom(), plan);
            if (i > 0) {
                assertEquals(carriedFrom, tile.keepFrom(), plan);
                assertEquals(carriedTo, tile.blendTo(), plan);
            }
            assertTrue(tile.blendTo() <= tile.finalTo() && tile.finalTo() <= tile.carryTo(), plan);
            int blended = tile.blendTo() - tile.keepFrom();
            for (int f = 0; f < blended; f++) {
                float later = TemporalTiling.laterWeight(f, blended);
                assertTrue(later > 0 && later < 1, plan);
                weights[carriedFrom + f] += 1 - later;
                weights[tile.keepFrom() + f] += later;
            }
            for (int f = tile.blendTo(); f < tile.finalTo(); f++) {
                weights[f] += 1;
            }
            done = tile.finalTo();
            carriedFrom = tile.finalTo();
            carriedTo = tile.carryTo();
        }
        assertEquals(latents * frames, done, plan);
        assertEquals(done, carriedTo, plan);
        double[] ones = new double[weights.length];
        Arrays.fill(ones, 1);
        assertArrayEquals(ones, weights, 1e-6, plan);
    }

    @Test
    void invalidLengthsAreRejected() {
        assertRejected("latent_frames: found 0", 0, 0, 0);
        assertRejected("margin: found -1", 4, 0, -1);
        assertRejected(
                "overlap: found 4, expected at least twice the margin (0) and less than latent_frames (4)", 4, 4, 0);
        assertRejected("overlap: found 1, expected at least twice the margin (2)", 4, 1, 1);
        assertRejected("overlap: found 3, expected at most 2", 4, 3, 0);
        assertThrows(IllegalArgumentException.class, () -> new TemporalTiling(4, 2, 0).plan(0, 8));
    }

    private static void assertRejected(String message, int latentFrames, int overlap, int margin) {
        IllegalArgumentException refusal =
                assertThrows(IllegalArgumentException.class, () -> new TemporalTiling(latentFrames, overlap, margin));
        assertTrue(refusal.getMessage().contains(message), refusal.getMessage());
    }
}
