/** Tests of the Wan autoencoder. */
@NullMarked
package io.lingen.wan.internal.vae;

import org.jspecify.annotations.NullMarked;
