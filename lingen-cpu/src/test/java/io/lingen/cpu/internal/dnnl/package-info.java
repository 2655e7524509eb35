/** What is particular to oneDNN; its kernels' results are the contracts' matter. */
@NullMarked
package io.lingen.cpu.internal.dnnl;

import org.jspecify.annotations.NullMarked;
