/** Tests of the oneDNN bindings. The contracts test the results of the kernels. */
@NullMarked
package io.lingen.cpu.internal.dnnl;

import org.jspecify.annotations.NullMarked;
