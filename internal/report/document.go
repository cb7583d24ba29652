package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The types of the objects in a report.
const (
	typeConnection  = "kustom_mystore_connection"
	typeFleet       = "kustom_mystore_fleet"
	typeKey         = "kustom_api_key"
	typeCredentials = "mystore_klarna_checkout_credentials"
	typeExclusive   = "kustom_api_keys_exclusive"
)

// document has the parts of a plan's or state's JSON that a report needs. Terraform and OpenTofu use the same form.
type document struct {
	FormatVersion string `json:"format_version"`

	// Values is set in a state.
	Values *values `json:"values"`

	// The other fields are set in a plan.
	PlannedValues *values                  `json:"planned_values"`
	PriorState    *struct{ Values values } `json:"prior_state"`
	Changes       []change                 `json:"resource_changes"`
	Variables     map[string]variable      `json:"variables"`
	Configuration struct {
		Root configuredModule `json:"root_module"`
	} `json:"configuration"`
	Checks   []check `json:"checks"`
	Errored  bool    `json:"errored"`
	Complete *bool   `json:"complete"`

	// Version and Level identify other kinds of files.
	Version any `json:"version"`
	Level   any `json:"@level"`
}

type values struct {
	Outputs map[string]output `json:"outputs"`
	Root    module            `json:"root_module"`
}

type output struct {
	Sensitive bool `json:"sensitive"`
	Value     any  `json:"value"`
}

type module struct {
	Address   string     `json:"address"`
	Resources []resource `json:"resources"`
	Children  []module   `json:"child_modules"`
}

// resource is an object of a state.
type resource struct {
	Address   string `json:"address"`
	Type      string `json:"type"`
	Values    object `json:"values"`
	Sensitive any    `json:"sensitive_values"`
	Tainted   bool   `json:"tainted"`
}

// change is the planned change of an object.
type change struct {
	Address string `json:"address"`
	Module  string `json:"module_address"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Index   any    `json:"index"`
	// Deposed is set for an object that an earlier run replaced and did not delete.
	Deposed string `json:"deposed"`
	Reason  string `json:"action_reason"`
	Change  struct {
		Actions         []string `json:"actions"`
		Before          object   `json:"before"`
		After           object   `json:"after"`
		Unknown         any      `json:"after_unknown"`
		BeforeSensitive any      `json:"before_sensitive"`
		AfterSensitive  any      `json:"after_sensitive"`
		ReplacePaths    [][]any  `json:"replace_paths"`
	} `json:"change"`
}

type variable struct {
	Value any `json:"value"`
}

// configuredModule is a module of the configuration.
type configuredModule struct {
	Variables map[string]struct {
		Sensitive bool `json:"sensitive"`
	} `json:"variables"`
	Resources []struct {
		Type        string         `json:"type"`
		Name        string         `json:"name"`
		Expressions map[string]any `json:"expressions"`
	} `json:"resources"`
	Calls map[string]struct {
		Module configuredModule `json:"module"`
	} `json:"module_calls"`
}

// check is the result of a check block or a condition.
type check struct {
	Address struct {
		Display string `json:"to_display"`
	} `json:"address"`
	Status    string `json:"status"`
	Instances []struct {
		Problems []struct {
			Message string `json:"message"`
		} `json:"problems"`
	} `json:"instances"`
}

// decode reads a document. If the input is something else, the error says what it is and how to make a document.
func decode(in io.Reader) (*document, error) {
	// PowerShell of older Windows saves output as UTF-16.
	content, err := io.ReadAll(transform.NewReader(in, unicode.BOMOverride(transform.Nop)))
	if err != nil {
		return nil, err
	}
	content = bytes.TrimSpace(content)
	switch {
	case len(content) == 0:
		return nil, errors.New("there is nothing to read: " + howTo)
	case bytes.HasPrefix(content, []byte("PK")):
		return nil, errors.New("this is a saved plan itself: " + howTo)
	}
	d := new(document)
	// A log has one JSON value on each line, and the first value is enough to recognize it.
	if err := json.NewDecoder(bytes.NewReader(content)).Decode(d); err != nil {
		return nil, fmt.Errorf("this can't be read as JSON (%w): %s", plainError(err), howTo)
	}
	switch {
	case d.Level != nil:
		return nil, errors.New("this is the log that plan -json or apply -json prints: " + howTo)
	case d.Version != nil && d.FormatVersion == "":
		return nil, errors.New("this is a state file itself: " + howTo)
	case !strings.HasPrefix(d.FormatVersion, "0.") && !strings.HasPrefix(d.FormatVersion, "1."):
		return nil, errors.New("this is not a plan or state in a known form: " + howTo)
	}
	return d, nil
}

// howTo ends the messages about wrong input.
const howTo = `give it what "terraform show -json saved.tfplan" prints, or "terraform show -json" for the state`

// plainError returns a JSON error without the quoted text, which may be a secret.
func plainError(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return fmt.Errorf("unexpected type at byte %d", wrong.Offset)
	}
	return err
}

// isPlan reports whether d is a plan. An empty state has nothing but versions.
func (d *document) isPlan() bool { return d.PlannedValues != nil || d.Changes != nil }

// resources returns the objects of a state, or of a plan's prior state and planned state, with those of nested
// modules.
func (d *document) resources() []*resource {
	var all []*resource
	for _, v := range []*values{d.Values, d.PlannedValues} {
		if v != nil {
			all = v.Root.collect(all)
		}
	}
	if d.PriorState != nil {
		all = d.PriorState.Values.Root.collect(all)
	}
	return all
}

func (m *module) collect(all []*resource) []*resource {
	for i := range m.Resources {
		all = append(all, &m.Resources[i])
	}
	for i := range m.Children {
		all = m.Children[i].collect(all)
	}
	return all
}

// refersTo reports whether the configuration of an argument refers to a resource of the same module.
func (d *document) refersTo(c *change, argument, address string) bool {
	written := &d.Configuration.Root
	for _, name := range moduleNames(c.Module) {
		call, ok := written.Calls[name]
		if !ok {
			return false
		}
		written = &call.Module
	}
	for _, r := range written.Resources {
		if r.Type != c.Type || r.Name != c.Name {
			continue
		}
		expression := asObject(r.Expressions[argument])
		references, _ := expression["references"].([]any)
		return slices.Contains(references, any(address))
	}
	return false
}

// moduleNames returns the module names in an address such as module.a["x.y"].module.b.
func moduleNames(address string) []string {
	var names []string
	quoted, from := false, 0
	for i := 0; i <= len(address); i++ {
		switch {
		case i == len(address) || address[i] == '.' && !quoted:
			part, _, _ := strings.Cut(address[from:i], "[")
			names = append(names, part)
			from = i + 1
		case address[i] == '\\' && quoted:
			i++
		case address[i] == '"':
			quoted = !quoted
		}
	}
	return slices.DeleteFunc(names, func(part string) bool { return part == "module" || part == "" })
}

// object is a value with attributes. A nil object has none.
type object map[string]any

func asObject(v any) object {
	o, _ := v.(map[string]any)
	return o
}

// text returns a string attribute; empty if it is null, unknown, or not a string.
func (o object) text(name string) string {
	text, _ := o[name].(string)
	return text
}

// is reports whether a boolean attribute is true.
func (o object) is(name string) bool {
	yes, _ := o[name].(bool)
	return yes
}

// object returns an attribute that is an object.
func (o object) object(name string) object { return asObject(o[name]) }

// objects returns the objects in an attribute that is a list or a set.
func (o object) objects(name string) []object {
	list, _ := o[name].([]any)
	var objects []object
	for _, element := range list {
		if element := asObject(element); element != nil {
			objects = append(objects, element)
		}
	}
	return objects
}

// names returns the names of the attributes, sorted.
func (o object) names() []string { return slices.Sorted(maps.Keys(o)) }

// does reports whether the plan has the action.
func (c *change) does(action string) bool { return slices.Contains(c.Change.Actions, action) }

// isTainted reports whether the object is replaced because an earlier run did not finish it.
func (c *change) isTainted() bool { return c.Reason == "replace_because_tainted" }
