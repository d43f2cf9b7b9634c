-- Orthanc: sends each image that is stored to the node, and never a report back to it.
-- In orthanc.json: "LuaScripts": ["/etc/orthanc/forward.lua"],
--                  "DicomModalities": {"fairtune": ["FAIRTUNE", "node.example.org", 11112]}

function OnStoredInstance(instanceId, tags, metadata, origin)
   if tags['Modality'] ~= 'SR' then
      SendToModality(instanceId, 'fairtune')
   end
end
