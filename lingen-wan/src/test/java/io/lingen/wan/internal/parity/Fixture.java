package io.lingen.wan.internal.parity;

import io.lingen.core.BackendOptions;
import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.backend.Backend;
import io.lingen.core.backend.Backends;
import io.lingen.core.checkpoint.NamedTensors;
import io.lingen.diffusion.ParityCheck;
import io.lingen.diffusion.ParityCheck.Comparison;
import io.lingen.spi.ParityPart;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** A fixture in memory. */
public final class Fixture implements NamedTensors {
    private final Map<String, HostTensor> tensors = new TreeMap<>();

    /** Adds or replaces a tensor. */
    public void put(String name, HostTensor tensor) {
        tensors.put(name, tensor);
    }

    /** Adds or replaces a tensor by values in double precision. */
    public void put(String name, double[] values, long... shape) {
        float[] floats = new float[values.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) values[i];
        }
        put(name, HostTensor.of(floats, shape));
    }

    /** Changes an element of a tensor by a small number. */
    public void damage(String name) {
        float[] values = tensor(name).toFloats();
        values[values.length / 3] += 0.01f;
        put(name, HostTensor.of(values, tensor(name).shape().toArray()));
    }

    @Override
    public Set<String> names() {
        return tensors.keySet();
    }

    @Override
    public HostTensor tensor(String name) {
        return tensors.get(name);
    }

    /** Checks a part. */
    public ParityCheck.Result check(ParityPart part, String backendName, DType precision) {
        try (Backend backend = Backends.create(backendName, new BackendOptions(1))) {
            ParityCheck check = new ParityCheck(this, null, backend);
            part.run(check, precision);
            check.end();
            if (backend.memory().liveBytes() != 0) {
                throw new AssertionError("leaked tensors");
            }
            return check.result();
        }
    }

    /** Checks a part and returns the comparisons beyond its tolerance. */
    public List<Comparison> beyond(ParityPart part, String backend, DType precision) {
        return check(part, backend, precision).comparisons().stream()
                .filter(comparison -> !comparison.isWithin(part.tolerance(precision)))
                .toList();
    }
}
