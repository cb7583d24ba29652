# The settings of all shards. Each shard is a directory with the name of the shard's workspace.
terraform {
  # Terragrunt copies the part before the double slash. fleet-sharded needs the modules beside it.
  source = "${get_parent_terragrunt_dir()}/..//fleet-sharded"

  extra_arguments "shard" {
    commands = ["init", "plan", "apply", "destroy", "import", "output", "show", "state"]
    env_vars = {
      TF_WORKSPACE = path_relative_to_include()
      # locks.sql shows the run under this name.
      PGAPPNAME = "${path_relative_to_include()}, ${get_env("USER", "somebody")}"
    }
  }

  extra_arguments "lock" {
    commands  = ["plan", "apply", "destroy", "import"]
    arguments = ["-lock-timeout=20m"]
  }
}
