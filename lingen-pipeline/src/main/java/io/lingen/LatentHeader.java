package io.lingen;

/**
 * The metadata of a latents file, read without its tensors.
 *
 * @param output the file name of the video, without folders
 * @param step the number of completed steps
 * @param provenance the provenance of the video
 */
record LatentHeader(String output, int step, VideoProvenance provenance) {}
