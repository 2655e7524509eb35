package io.lingen.sana.internal;

import io.lingen.core.HostTensor;
import io.lingen.core.checkpoint.SafetensorsWriter;
import io.lingen.internal.gemma.TinyGemma;
import io.lingen.sana.internal.transformer.RandomSana;
import io.lingen.sana.internal.transformer.SanaTransformerConfig;
import io.lingen.wan.internal.vae.RandomAutoencoder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** A complete model of random weights in the layout of diffusers. */
final class TinySana {
    static final RandomAutoencoder AUTOENCODER = RandomAutoencoder.plain();
    static final SanaTransformerConfig CONFIG =
            new SanaTransformerConfig(2, 16, 3, 12, 80, 2, AUTOENCODER.channels, TinyGemma.WIDTH, 1e-6f, 64);

    private TinySana() {}

    static Map<String, HostTensor> transformer() {
        return new RandomSana(CONFIG, 5L).tensors();
    }

    static void write(Path model) throws IOException {
        Files.writeString(model.resolve("model_index.json"), """
                {"_class_name": "SanaVideoPipeline", "_diffusers_version": "0.36.0",
                 "scheduler": ["diffusers", "DPMSolverMultistepScheduler"], "text_encoder": ["transformers", "Gemma2Model"],
                 "tokenizer": ["transformers", "GemmaTokenizerFast"],
                 "transformer": ["diffusers", "SanaVideoTransformer3DModel"], "vae": ["diffusers", "AutoencoderKLWan"]}
                """);
        Files.createDirectories(model.resolve("scheduler"));
        Files.writeString(model.resolve("scheduler/scheduler_config.json"), """
                {"_class_name": "DPMSolverMultistepScheduler", "flow_shift": 8.0, "solver_order": 2, "use_flow_sigmas": true,
                 "prediction_type": "flow_prediction", "solver_type": "midpoint", "algorithm_type": "dpmsolver++"}
                """);
        writeComponent(
                model.resolve("transformer"),
                """
                {"_class_name": "SanaVideoTransformer3DModel", "num_attention_heads": 2, "attention_head_dim": 16,
                 "num_cross_attention_heads": 3, "cross_attention_head_dim": 12, "cross_attention_dim": 32,
                 "caption_channels": %d, "mlp_ratio": 2.5, "num_layers": 2, "in_channels": %d, "out_channels": %d,
                 "patch_size": [1, 2, 2], "rope_max_seq_len": 64, "sample_size": 30, "guidance_embeds": false,
                 "guidance_embeds_scale": 0.1, "qk_norm": "rms_norm_across_heads", "interpolation_scale": null}
                """.formatted(CONFIG.textWidth(), CONFIG.channels(), CONFIG.channels()),
                transformer());
        writeComponent(model.resolve("vae"), AUTOENCODER.json(), AUTOENCODER.tensors);
        new TinyGemma().write(model);
    }

    private static void writeComponent(Path folder, String config, Map<String, HostTensor> tensors) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("config.json"), config);
        SafetensorsWriter.write(
                folder.resolve("diffusion_pytorch_model.safetensors"), new TreeMap<>(tensors), Map.of());
    }
}
