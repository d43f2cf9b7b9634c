-- Orthanc: sends each image that is stored to the node; reports, key objects, segmentations and documents stay.
-- In orthanc.json: "LuaScripts": ["/etc/orthanc/forward.lua"],
--                  "DicomModalities": {"fairtune": ["FAIRTUNE", "node.example.org", 11112]}

function OnStoredInstance(instanceId, tags, metadata, origin)
   if tags['Rows'] ~= nil and tags['Modality'] ~= 'SEG' then
      SendToModality(instanceId, 'fairtune')
   end
end
