# What all shards have in common. A shard is a directory, which has the name of the shard's workspace.
terraform {
  # What is before the double slash is copied: fleet-sharded needs the modules beside it.
  source = "${get_parent_terragrunt_dir()}/..//fleet-sharded"

  extra_arguments "shard" {
    commands = ["init", "plan", "apply", "destroy", "import", "output", "show", "state"]
    env_vars = {
      TF_WORKSPACE = path_relative_to_include()
      # The name under which locks.sql shows the run.
      PGAPPNAME = "${path_relative_to_include()}, ${get_env("USER", "somebody")}"
    }
  }

  extra_arguments "lock" {
    commands  = ["plan", "apply", "destroy", "import"]
    arguments = ["-lock-timeout=20m"]
  }
}
