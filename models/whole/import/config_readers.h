#pragma once
// A reader per family of checkpoints, each named after the first that had these keys.

#include "models/whole/import/checkpoint.h"

namespace sparsesim {

void read_bert(config::MapReader& map, Checkpoint& c);
void read_distilbert(config::MapReader& map, Checkpoint& c);
void read_vit(config::MapReader& map, Checkpoint& c);

void read_bloom(config::MapReader& map, Checkpoint& c);
void read_cohere(config::MapReader& map, Checkpoint& c);
void read_falcon(config::MapReader& map, Checkpoint& c);
void read_gemma(config::MapReader& map, Checkpoint& c);
void read_gemma2(config::MapReader& map, Checkpoint& c);
void read_gemma3(config::MapReader& map, Checkpoint& c);
void read_gpt2(config::MapReader& map, Checkpoint& c);
void read_gpt_neox(config::MapReader& map, Checkpoint& c);
void read_llama(config::MapReader& map, Checkpoint& c);
void read_opt(config::MapReader& map, Checkpoint& c);
void read_phi(config::MapReader& map, Checkpoint& c);
void read_qwen(config::MapReader& map, Checkpoint& c);
void read_smollm(config::MapReader& map, Checkpoint& c);
void read_stablelm(config::MapReader& map, Checkpoint& c);
void read_starcoder(config::MapReader& map, Checkpoint& c);
void read_windowed(config::MapReader& map, Checkpoint& c);

void read_deepseek(config::MapReader& map, Checkpoint& c);
void read_gpt_oss(config::MapReader& map, Checkpoint& c);
void read_mixtral(config::MapReader& map, Checkpoint& c);
void read_olmoe(config::MapReader& map, Checkpoint& c);
void read_qwen_moe(config::MapReader& map, Checkpoint& c);

}  // namespace sparsesim
