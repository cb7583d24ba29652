// Package terraformcmd prepares Terraform and OpenTofu as commands of this repository's programs, and cleans up after
// them. The provider does not use it.
package terraformcmd

import "strings"

// Environment returns the variables of parent, in the form of [os.Environ], with own added. It leaves out the
// variables of parent that would change what Terraform or the provider do.
func Environment(parent []string, own map[string]string) []string {
	var env []string
	for _, variable := range parent {
		name, _, _ := strings.Cut(variable, "=")
		if !strings.HasPrefix(name, "TF_") && !strings.HasPrefix(name, "KUSTOM_") && !strings.HasPrefix(name, "MYSTORE_") {
			env = append(env, variable)
		}
	}
	for name, value := range own {
		env = append(env, name+"="+value)
	}
	return env
}
