/** Parts that the autoencoders of all model families share. Not API. */
@NullMarked
package io.lingen.vae.internal;

import org.jspecify.annotations.NullMarked;
