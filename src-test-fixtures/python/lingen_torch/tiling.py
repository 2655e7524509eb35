"""Decoding in temporal tiles: what a decoder must give that never holds the whole clip."""

import torch


def tile_ranges(length, latent_frames, overlap):
    """(start, end) in latents of each tile: steps of latent_frames - overlap, the last one ends with the clip."""
    starts = [0]
    while starts[-1] + latent_frames < length:
        starts.append(starts[-1] + latent_frames - overlap)
    return [(start, min(start + latent_frames, length)) for start in starts]


def decode_tiled(decode, latent, frames_per_latent, latent_frames, overlap, margin):
    """Decodes tile by tile, blending.  latent [b, C, T, h, w] -> [b, 3, T * frames_per_latent, H, W]

    At an edge inside the clip the outer `margin` latents' frames are thrown away; the m frames that then still overlap
    are blended linearly, frame i with the weight (i + 1) / (m + 1) in the later tile.
    """
    cut, blend = margin * frames_per_latent, (overlap - 2 * margin) * frames_per_latent
    ranges = tile_ranges(latent.shape[2], latent_frames, overlap)
    done, tail = [], None
    for number, (start, end) in enumerate(ranges):
        tile = decode(latent[:, :, start:end])
        first, last = number == 0, number == len(ranges) - 1
        tile = tile[:, :, 0 if first else cut:tile.shape[2] - (0 if last else cut)]
        if not first and blend:
            weight = torch.arange(1, blend + 1, dtype=tile.dtype) / (blend + 1)
            weight = weight[:, None, None]
            done.append(tail * (1 - weight) + tile[:, :, :blend] * weight)
            tile = tile[:, :, blend:]
        kept = tile.shape[2] - (0 if last else blend)
        done.append(tile[:, :, :kept])
        tail = tile[:, :, kept:]
    return torch.cat(done, 2)
