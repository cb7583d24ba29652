package report

import "github.com/storefront-iac/terraform-provider-kustom/internal/vendortext"

// hidden replaces sensitive values.
const hidden = "(sensitive)"

// shortestSecret is the length of the shortest text that is treated as a secret. A shorter one occurs in many words.
const shortestSecret = 4

// secrets has the sensitive texts of a document, and the names that it shows elsewhere.
type secrets struct {
	marked []string
	named  map[string]bool
}

// hide removes the sensitive values from a document. It returns a redactor that knows them, because a message may
// repeat them.
func hide(d *document) *vendortext.Redactor {
	s := &secrets{named: map[string]bool{}}
	for _, r := range d.resources() {
		r.Values = s.hideIn(r.Type, r.Values, r.Sensitive)
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		c.Change.Before = s.hideIn(c.Type, c.Change.Before, c.Change.BeforeSensitive)
		c.Change.After = s.hideIn(c.Type, c.Change.After, c.Change.AfterSensitive)
	}
	for name, v := range d.Variables {
		if declared, ok := d.Configuration.Root.Variables[name]; !ok || declared.Sensitive {
			s.add(v.Value)
			delete(d.Variables, name)
		}
	}
	for _, v := range []*values{d.Values, d.PlannedValues} {
		if v == nil {
			continue
		}
		for _, o := range v.Outputs {
			if o.Sensitive {
				s.add(o.Value)
			}
		}
	}
	return s.redactor()
}

// redactor returns a redactor of the secrets. A sensitive map may have names of shops and keys beside a secret. A
// name that Terraform shows elsewhere is no secret.
func (s *secrets) redactor() *vendortext.Redactor {
	redactor := vendortext.NewRedactor()
	for _, text := range s.marked {
		if len(text) >= shortestSecret && !s.named[text] {
			redactor.AddSecrets(text)
		}
	}
	return redactor
}

// hideIn returns an object without its sensitive values.
func (s *secrets) hideIn(kind string, o object, marks any) object {
	if o == nil {
		return nil
	}
	shown := asObject(s.hide(map[string]any(o), marks))
	switch kind {
	case typeConnection, typeFleet, typeKey, typeCredentials:
		s.note(shown)
	}
	return shown
}

// note records the names that an object shows.
func (s *secrets) note(o object) {
	for _, attribute := range []string{"shop", "merchant_id", "username", "previous_username", "kustom_id", "host"} {
		s.named[o.text(attribute)] = true
	}
	for name := range o.object("shops") {
		s.named[name] = true
		s.note(o.object("shops").object(name))
	}
	for _, attribute := range []string{"keys_to_delete", "keys_kept", "keys_left"} {
		for _, key := range o.objects(attribute) {
			s.note(key)
		}
	}
}

// hide returns a value without the parts that marks has as true.
func (s *secrets) hide(value, marks any) any {
	switch marks := marks.(type) {
	case bool:
		if !marks || value == nil {
			return value
		}
		s.add(value)
		return hidden
	case map[string]any:
		attributes, ok := value.(map[string]any)
		if !ok {
			return value
		}
		for name, mark := range marks {
			if attribute, ok := attributes[name]; ok {
				attributes[name] = s.hide(attribute, mark)
			}
		}
	case []any:
		elements, ok := value.([]any)
		if !ok {
			return value
		}
		for i := range min(len(marks), len(elements)) {
			elements[i] = s.hide(elements[i], marks[i])
		}
	}
	return value
}

// add records every string in a sensitive value.
func (s *secrets) add(value any) {
	switch value := value.(type) {
	case string:
		s.marked = append(s.marked, value)
	case map[string]any:
		for _, element := range value {
			s.add(element)
		}
	case []any:
		for _, element := range value {
			s.add(element)
		}
	}
}
