package io.lingen.wan.internal.vae;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lingen.core.DType;
import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.ModelSource;
import io.lingen.diffusion.ParityCheck.Comparison;
import io.lingen.wan.internal.parity.Fixture;
import io.lingen.wan.internal.parity.WanVaePart;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The autoencoder as a part of a fixture, which plain loops in double precision made. */
class VaeParityTest {
    @TempDir
    Path model;

    private final Fixture fixture = new Fixture();

    @ParameterizedTest
    @CsvSource({"nd4j, F32, false", "cpu, F32, false", "cpu, BF16, false", "cpu, F32, true", "cpu, BF16, true"})
    void everyTensorAgrees(String backend, DType precision, boolean residual) throws IOException {
        WanVaePart part = write(residual ? RandomAutoencoder.residual() : RandomAutoencoder.plain());
        List<Comparison> comparisons = fixture.check(part, backend, precision).comparisons();
        assertEquals(List.of(), fixture.beyond(part, backend, precision));
        assertEquals(fixture.names().size() - 2, comparisons.size(), "all but latent and video");
        assertEquals("vae.tap.post_quant", comparisons.get(0).name());
        assertEquals("vae.logvar", comparisons.get(comparisons.size() - 1).name());
    }

    @ParameterizedTest
    @CsvSource({"vae.tap.mid.attn", "vae.frames", "vae.mean", "vae.logvar"})
    void wrongTensorIsFound(String name) throws IOException {
        WanVaePart part = write(RandomAutoencoder.plain());
        fixture.damage(name);
        assertEquals(
                List.of(name),
                fixture.beyond(part, "cpu", DType.F32).stream()
                        .map(Comparison::name)
                        .toList());
    }

    private WanVaePart write(RandomAutoencoder autoencoder) throws IOException {
        Path component = Files.createDirectories(model.resolve("vae"));
        Files.writeString(component.resolve("config.json"), autoencoder.json());
        autoencoder.write(component).close();

        HostTensor latent = WanVideoDecoderTest.normal(1, autoencoder.channels, 3, 3, 2);
        ReferenceAutoencoder reference = new ReferenceAutoencoder(autoencoder);
        Volume frames = reference.decode(Volume.of(latent));
        double[] z = Volume.of(latent).values;
        for (int i = 0; i < z.length; i++) {
            int channel = i / (3 * 3 * 2);
            z[i] = z[i] * autoencoder.std[channel] + autoencoder.mean[channel];
        }
        fixture.put("vae.latent", z, latent.shape().toArray());
        reference.taps.forEach((name, tap) -> put("vae.tap." + name, tap));
        for (int i = 0; i < frames.values.length; i++) {
            frames.values[i] = Math.max(-1, Math.min(frames.values[i], 1));
        }
        put("vae.frames", frames);

        HostTensor video = WanVideoDecoderTest.normal(
                2,
                3,
                1 + autoencoder.temporalCompression(),
                2 * autoencoder.spatialCompression(),
                autoencoder.spatialCompression());
        Volume moments = reference.encode(Volume.of(video));
        fixture.put("vae.video", video);
        put("vae.mean", moments.channels(0, autoencoder.channels));
        put("vae.logvar", moments.channels(autoencoder.channels, 2 * autoencoder.channels));
        return new WanVaePart(ModelSource.of(model), "vae");
    }

    private void put(String name, Volume volume) {
        fixture.put(name, volume.values, volume.channels, volume.frames, volume.height, volume.width);
    }
}
