package io.lingen;

/**
 * What a latents file states about itself, read without its data.
 *
 * @param output the name, without a folder, of the video that it was to become
 * @param step steps of the sampler that are done
 * @param provenance what the video is made from
 */
record LatentHeader(String output, int step, VideoProvenance provenance) {}
