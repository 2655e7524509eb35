package io.lingen.vae;

/**
 * The forecast cost of decoding a video.
 *
 * @param weightBytes the packed weights, as long as the decoder is loaded
 * @param passBytes the peak of all other allocations: a tile's activations, the latents and the frames that two tiles share. The backend's
 *     own scratch memory is not included.
 * @param operations floating-point operations for the whole video, including repeated decoding of overlaps; a multiply-add counts as two
 */
public record DecodingCost(long weightBytes, long passBytes, long operations) {}
