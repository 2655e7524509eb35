package io.lingen.wan.internal;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.internal.t5.TinyT5;
import io.lingen.wan.internal.transformer.RandomTransformer;
import io.lingen.wan.internal.transformer.WanTransformerConfig;
import io.lingen.wan.internal.vae.RandomAutoencoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** A complete model of random weights in the layout of diffusers. */
public final class TinyWan {
    private static final RandomAutoencoder AUTOENCODER = RandomAutoencoder.plain();
    static final WanTransformerConfig CONFIG =
            new WanTransformerConfig(2, 16, 60, 2, AUTOENCODER.channels, TinyT5.WIDTH, 256, 1e-6f, 64);

    private TinyWan() {}

    /** The tensors of the transformer. */
    public static Map<String, HostTensor> transformer() {
        return new RandomTransformer(CONFIG, 5).tensors();
    }

    /** Writes the model into a folder. */
    public static void write(Path model) throws IOException {
        Files.writeString(model.resolve("model_index.json"), """
                {"_class_name": "WanPipeline", "_diffusers_version": "0.33.0", "boundary_ratio": null,
                 "scheduler": ["diffusers", "UniPCMultistepScheduler"], "text_encoder": ["transformers", "UMT5EncoderModel"],
                 "tokenizer": ["transformers", "T5TokenizerFast"], "transformer": ["diffusers", "WanTransformer3DModel"],
                 "transformer_2": [null, null], "vae": ["diffusers", "AutoencoderKLWan"]}
                """);
        Files.createDirectories(model.resolve("scheduler"));
        Files.writeString(model.resolve("scheduler/scheduler_config.json"), """
                {"_class_name": "UniPCMultistepScheduler", "flow_shift": 3.0, "solver_order": 2, "use_flow_sigmas": true,
                 "prediction_type": "flow_prediction", "solver_type": "bh2", "beta_start": 0.0001}
                """);
        writeComponent(
                model.resolve("transformer"),
                """
                {"_class_name": "WanTransformer3DModel", "num_attention_heads": 2, "attention_head_dim": 16, "ffn_dim": 60,
                 "num_layers": 2, "in_channels": %d, "out_channels": %d, "text_dim": %d, "freq_dim": 256,
                 "patch_size": [1, 2, 2], "rope_max_seq_len": 64, "image_dim": null}
                """.formatted(CONFIG.channels(), CONFIG.channels(), CONFIG.textWidth()),
                transformer());
        writeComponent(model.resolve("vae"), AUTOENCODER.json(), AUTOENCODER.tensors);
        new TinyT5(true).write(model);
    }

    private static void writeComponent(Path folder, String config, Map<String, HostTensor> tensors) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), config);
        SafetensorsWriter.write(
                folder.resolve("diffusion_pytorch_model.safetensors"), new TreeMap<>(tensors), Map.of());
    }
}
