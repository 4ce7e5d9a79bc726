// Where seed files of findings go: named for what happens, never over an existing file.
#pragma once

#include <string>

#include "aiosim/seed.h"

namespace aiosim::cli {

/// Makes `folder` where it is missing and sees that files can be made there; BadInput if not.
/// Called before long work, so that nothing found is lost for want of a place.
void prepare_folder(const std::string& folder);

/// "every_notify_wakes-home_sleeps_for_ever"
std::string seed_name(const SeedFile& seed);

/// Writes FOLDER/NAME.seed, or NAME-2.seed, NAME-3.seed where that exists; returns the path.
std::string write_new_seed(const std::string& folder, const std::string& name,
                           const SeedFile& seed);

/// Writes exactly `path`; BadInput if it exists.
void write_seed_at(const std::string& path, const SeedFile& seed);

/// "aiosim replay FILE", with what else is needed to find the backend again.
std::string replay_command(const std::string& program, const std::string& file,
                           const std::string& backend_file);

}  // namespace aiosim::cli
